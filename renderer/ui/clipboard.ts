// Puts a text on the clipboard. The desktop app grants no permission, not even this one: there the copy command, which
// needs none, does it. Call it from a click or a key.

/** @throws Error where neither way is open */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyByCommand(text)) throw new Error('The text could not be copied.');
  }
}

/** Without a selection and without moving the focus: the copy event carries the text. */
function copyByCommand(text: string): boolean {
  let copied = false;
  const onCopy = (event: ClipboardEvent): void => {
    event.clipboardData?.setData('text/plain', text);
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
