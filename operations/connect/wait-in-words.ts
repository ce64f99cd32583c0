/** A time to wait, rounded up to whole minutes, such as `3 h 20 min`. */
export function waitInWords(millis: number): string {
  const minutes = Math.max(1, Math.ceil(millis / 60_000));
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return [...(hours > 0 ? [`${hours} h`] : []), ...(rest > 0 || hours === 0 ? [`${rest} min`] : [])].join(
    ' ',
  );
}
