// Puts a text or a picture on the clipboard. The desktop app grants no permission, not even this one: there the copy command,
// which needs none, does it. Call it from a click or a key.

/** @throws Error where neither way is open */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyByCommand({ 'text/plain': text })) throw new Error('The text could not be copied.');
  }
}

/** A PNG; by the copy command as a page that holds it. @throws Error where neither way is open */
export async function copyPicture(png: Blob): Promise<void> {
  try {
    await navigator.clipboard.write([new ClipboardItem({ [png.type]: png })]);
  } catch {
    const base64 = btoa(String.fromCharCode(...new Uint8Array(await png.arrayBuffer())));
    const html = `<img src="data:${png.type};base64,${base64}">`;
    if (!copyByCommand({ 'text/html': html })) throw new Error('The picture could not be copied.');
  }
}

/** By type. Without a selection and without moving the focus: the copy event carries it. */
function copyByCommand(content: Readonly<Record<string, string>>): boolean {
  let copied = false;
  const onCopy = (event: ClipboardEvent): void => {
    for (const [type, text] of Object.entries(content)) event.clipboardData?.setData(type, text);
    event.preventDefault();
    event.stopImmediatePropagation();
    copied = true;
  };
  document.addEventListener('copy', onCopy, { capture: true });
  try {
    // Deprecated, and the one way that asks for no permission.
    document.execCommand('copy');
  } finally {
    document.removeEventListener('copy', onCopy, { capture: true });
  }
  return copied;
}
