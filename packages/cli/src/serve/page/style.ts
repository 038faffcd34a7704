/** The style of the page; light or dark as the reader has it. */
export const pageStyle = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { display: flex; flex-direction: column; height: 100dvh; max-width: 50rem; margin: 0 auto; padding: 0 1rem; box-sizing: border-box; }
  header { display: flex; align-items: center; gap: 1rem; }
  h1 { flex: 1; font-size: 1rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  details label { display: block; margin: .5rem 0; }
  main { flex: 1; overflow-y: auto; margin: 1rem 0; }
  article { white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0; padding: .5rem .75rem; border-radius: .5rem; }
  article.user { margin-left: 20%; background: color-mix(in srgb, CanvasText 10%, Canvas); }
  article.error { color: light-dark(#a00, #f88); }
  article:empty::before { content: '…'; }
  form { display: flex; gap: .5rem; padding-bottom: 1rem; }
  textarea { flex: 1; width: 100%; box-sizing: border-box; font: inherit; resize: vertical; }
  [hidden] { display: none !important; }
`
