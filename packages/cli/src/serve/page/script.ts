/** What the page does. Texts are only ever set as textContent. */
export const pageScript = `
  const element = (id) => document.getElementById(id)
  let [messages, controller, model] = [[], undefined, undefined]

  function show(role, text) {
    const article = document.createElement('article')
    article.className = role
    article.textContent = text
    element('messages').append(article)
    article.scrollIntoView({ block: 'end' })
    return article
  }

  async function request(path, options = {}) {
    const key = element('key').value
    const headers = { 'content-type': 'application/json', ...(key && { authorization: 'Bearer ' + key }) }
    const response = await fetch(path, { ...options, headers })
    if (response.ok) return response
    if (response.status === 401) element('key-field').hidden = false
    const body = await response.json().catch(() => undefined)
    throw new Error(body?.error?.message ?? 'The server answered with status ' + response.status + '.')
  }

  async function findModel() {
    const { data } = await (await request('/v1/models')).json()
    model = data[0].id
    element('model').textContent = model
  }

  async function* events(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      text += value
      const parts = text.split('\\n\\n')
      text = parts.pop()
      for (const part of parts) {
        const data = part.slice('data: '.length)
        if (data === '[DONE]') return
        yield JSON.parse(data)
      }
    }
  }

  function body() {
    const system = element('system').value.trim()
    const temperature = element('temperature').value
    return JSON.stringify({
      model,
      stream: true,
      messages: [...(system ? [{ role: 'system', content: system }] : []), ...messages],
      ...(temperature !== '' && { temperature: Number(temperature) }),
    })
  }

  function setBusy(isBusy) {
    element('send').hidden = isBusy
    element('stop').hidden = !isBusy
  }

  async function say(text) {
    const asked = messages
    messages = [...messages, { role: 'user', content: text }]
    show('user', text)
    const article = show('assistant', '')
    controller = new AbortController()
    const { signal } = controller
    setBusy(true)
    try {
      if (model === undefined) await findModel()
      const response = await request('/v1/chat/completions', { method: 'POST', body: body(), signal })
      for await (const event of events(response)) {
        if (event.error) throw new Error(event.error.message)
        article.textContent += event.choices[0].delta.content ?? ''
        article.scrollIntoView({ block: 'end' })
      }
    } catch (error) {
      if (!signal.aborted) show('error', error.message)
    } finally {
      setBusy(false)
    }
    if (signal.reason === 'reset') return
    const content = article.textContent
    if (content !== '') messages = [...messages, { role: 'assistant', content }]
    else {
      // Nothing came: it was not said.
      messages = asked
      article.remove()
    }
  }

  element('form').addEventListener('submit', (event) => {
    event.preventDefault()
    const text = element('text').value.trim()
    if (text === '' || element('send').hidden) return
    element('text').value = ''
    void say(text)
  })
  element('text').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    element('form').requestSubmit()
  })
  element('stop').addEventListener('click', () => controller.abort())
  element('reset').addEventListener('click', () => {
    controller?.abort('reset')
    messages = []
    element('messages').replaceChildren()
  })
  findModel().catch((error) => show('error', error.message))
`
