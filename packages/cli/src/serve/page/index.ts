import { createHash } from 'node:crypto'
import { pageScript } from './script'
import { pageStyle } from './style'

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/**
 * A page to talk to the model on: one file, without a network but for the server itself, by its content security policy as
 * well. What is said is shown as text, whatever it looks like.
 */
export const chatPage = {
  policy: [
    "default-src 'none'",
    "connect-src 'self'",
    'img-src data:',
    `style-src ${hashOf(pageStyle)}`,
    `script-src ${hashOf(pageScript)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  // Their hashes are in the policy, so not a space may be added to script and style.
  markup: `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>tfx chat</title>
    <link rel="icon" href="data:," />
    <style>${pageStyle}</style>
  </head>
  <body>
    <header>
      <h1 id="model">tfx chat</h1>
      <button id="reset" type="button">New chat</button>
    </header>
    <details>
      <summary>Settings</summary>
      <label>System prompt <textarea id="system" rows="2"></textarea></label>
      <label>Temperature <input id="temperature" type="number" min="0" max="2" step="0.1" /></label>
    </details>
    <main id="messages" aria-live="polite"></main>
    <form id="form">
      <label id="key-field" hidden>Key <input id="key" type="password" autocomplete="off" /></label>
      <textarea id="text" rows="2" placeholder="Say something" aria-label="Message" autofocus></textarea>
      <button id="send" type="submit">Send</button>
      <button id="stop" type="button" hidden>Stop</button>
    </form>
    <script>${pageScript}</script>
  </body>
</html>
`,
} as const
