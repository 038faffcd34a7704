import { type ChatModel, load } from '@tfx/chat'
import { type BrowserPage, findChromium, fixturePath, openInChromium } from '@tfx/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatServer, createChatServer } from '../src/index'

const attack = `<img src="x" onerror="document.title = 'taken'"><script>document.title = 'taken'</script>`

describe.skipIf(findChromium() === undefined)('the page in Chromium', () => {
  let model: ChatModel
  let server: ChatServer
  let seen: Awaited<ReturnType<typeof look>>
  beforeAll(async () => {
    model = await load(fixturePath('chat/tiny-chat'), { thread: true })
    server = createChatServer({ model, name: 'tiny', key: 'secret' })
    const url = await server.listen({ port: 0 })
    seen = await openInChromium(new URL(url), look)
  })
  afterAll(async () => {
    await server.close()
    await model.dispose()
  })

  it('asks for the key when it needs one', () => {
    expect(seen.refused).toContain('The key is wrong or missing')
  })

  it('shows the reply as it comes, and asks with what was said before', () => {
    expect(seen.first).toBe('vrevvvMxvMKvvMeHMHvMpvMuzTH')
    expect(seen.growing).toBeGreaterThan(2)
    expect(seen.asked).toEqual([
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: seen.first },
      { role: 'user', content: attack },
    ])
  })

  it('shows what is said as text', () => {
    expect(seen.shown).toBe(attack)
    expect(seen.title).toBe('tfx chat')
    expect(seen.elements).toEqual({ images: 0, scripts: 1 })
  })

  it('forgets on request', () => {
    expect(seen.left).toBe(0)
  })

  it('talks to nobody else, and is refused nothing by its policy', () => {
    expect(seen.strangers).toEqual([])
    // Chromium reports the 401 itself.
    expect(seen.messages.filter((message) => !message.includes('401'))).toEqual([])
  })
})

/** Talks as a reader does. */
async function look({ page, messages, requests }: BrowserPage) {
  const refused = await page.locator('article.error').first().textContent()
  await page.locator('#key').fill('secret')
  await page.locator('#temperature').evaluate((input) => ((input as HTMLInputElement).value = '0'))
  const reply = page.locator('article.assistant')
  const say = async (text: string) => {
    await page.locator('#text').fill(text)
    await page.locator('#text').press('Enter')
    await page.locator('#send').waitFor({ state: 'visible' })
  }
  await page.evaluate(() => {
    const counts = window as unknown as { changes: number }
    counts.changes = 0
    new MutationObserver(() => counts.changes++).observe(document.querySelector('#messages')!, {
      childList: true,
      subtree: true,
    })
  })
  await say('Hello')
  const first = await reply.first().textContent()
  const growing = await page.evaluate(() => (window as unknown as { changes: number }).changes)
  const posted = page.waitForRequest((request) => request.method() === 'POST')
  await say(attack)
  const { messages: asked } = (await posted).postDataJSON() as { messages: object[] }
  const shown = await page.locator('article.user').nth(1).textContent()
  const title = await page.title()
  const elements = {
    images: await page.locator('img').count(),
    scripts: await page.locator('script').count(),
  }
  await page.locator('#reset').click()
  const left = await page.locator('article').count()
  const strangers = requests.filter((request) => new URL(request).origin !== new URL(page.url()).origin)
  return { refused, first, growing, asked, shown, title, elements, left, strangers, messages }
}
