// What a person sees in the browser at the end of signing in. Holds nothing of what came in, and no script.

const words = {
  done: ['You are signed in', 'You can close this tab and go back to the terminal.'],
  failed: ['Signing in did not work', 'The terminal says why. You can close this tab.'],
  stranger: ['Nothing to see here', 'Open the address that the terminal shows, in one browser, once.'],
} as const;

export function waitingPage(how: keyof typeof words): string {
  const [title, text] = words[how];
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title} · Gatehouse</title>
<meta name="viewport" content="width=device-width"><style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;
margin:0;background:light-dark(#f6f7f9,#14171c);color:light-dark(#1b2430,#e6eaf0)}main{padding:2rem;max-width:28rem}
h1{font-size:1.4rem;margin:0 0 .5rem}p{margin:0}</style><main><h1>${title}</h1><p>${text}</p></main></html>`;
}
