import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'

const usualPaths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/**
 * Where Chromium or Chrome is: the variable CHROMIUM_PATH, or one of the usual places. Nothing is ever downloaded.
 *
 * @returns Undefined if there is none; tests that need it are then skipped, and say so.
 * @throws Error where CI is set: there no test may be left out in silence.
 */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH, CI } = process.env
  const path = CHROMIUM_PATH ?? usualPaths.find((usual) => existsSync(usual))
  if (path !== undefined) return path
  const message = 'No Chromium: install it, for instance `apt-get install chromium`, or set CHROMIUM_PATH.'
  if (CI !== undefined) throw new Error(message)
  process.emitWarning(`${message} Tests in a browser are skipped.`)
  return undefined
}

/** A page in a browser, and what it did that a page of one file must not do. */
export interface BrowserPage {
  readonly page: Page
  /** Messages on the console, errors, and what the content security policy refused. */
  readonly messages: readonly string[]
  /** All that was asked for but the page itself. */
  readonly requests: readonly string[]
}

/**
 * Opens a page in headless Chromium, and closes it when `look` is done.
 *
 * @param place A file, which is opened without a network, or the address of a server.
 */
export async function openInChromium<T>(
  place: string | URL,
  look: (opened: BrowserPage) => Promise<T>,
): Promise<T> {
  const { chromium } = await import('playwright-core')
  const browser = await chromium.launch({ executablePath: findChromium()! })
  try {
    const context = await browser.newContext({ offline: typeof place === 'string' })
    const page = await context.newPage()
    const url = (typeof place === 'string' ? pathToFileURL(place) : place).href
    const [messages, requests]: [string[], string[]] = [[], []]
    page.on('console', (message) => messages.push(message.text()))
    page.on('pageerror', (error) => messages.push(error.message))
    page.on('request', (request) => {
      if (request.url() !== url) requests.push(request.url())
    })
    await page.goto(url)
    return await look({ page, messages, requests })
  } finally {
    await browser.close()
  }
}
