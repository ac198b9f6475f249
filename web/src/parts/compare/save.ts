/** Let the browser save what is at an address as a file of this name. */
export function save(address: string, name: string): void {
  const link = document.createElement("a");
  [link.href, link.download] = [address, name];
  link.click();
}
