/** Gives a text to the browser as a file to keep: the way of a page that may not write files itself. */
export function keepAsFile(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads it after the click is handled.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
