/**
 * Makes `Date` show a time that differs from the machine's by what `ahead` returns, in milliseconds, when it is read.
 */
export function shiftDate(ahead: () => number): void {
  const machine = Date;
  const now = () => machine.now() + ahead();
  globalThis.Date = new Proxy(machine, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as object,
    get: (target, name, receiver) =>
      name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown),
  });
}
