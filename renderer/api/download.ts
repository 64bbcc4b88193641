// Hands a file over to the browser's own downloads; the page stays where it is. Only addresses of the page's own origin.
export function startDownload(url: string, fileName: string): void {
  const link = document.createElement('a');
  link.href = new URL(url, document.baseURI).pathname;
  link.download = fileName;
  link.click();
}
