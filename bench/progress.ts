/** A progress bar on standard error: one line that changes on a terminal, and a line for every tenth elsewhere. */
export function progressBar(): (done: number, of: number, what: string) => void {
  const startedAt = performance.now();
  let tenth = -1;
  return (done, of, what) => {
    const share = done / of;
    const filled = Math.round(share * 30);
    const seconds = (performance.now() - startedAt) / 1_000;
    const left = share > 0.01 ? `, ${Math.round((seconds / share) * (1 - share))} s left` : '';
    const line = `[${'#'.repeat(filled)}${'-'.repeat(30 - filled)}] ${done}/${of} ${Math.round(seconds)} s${left}  ${what}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${line}${done === of ? '\n' : ''}`);
    else if (Math.floor(share * 10) > tenth) {
      tenth = Math.floor(share * 10);
      process.stderr.write(`${line}\n`);
    }
  };
}
