import type { SecretDescription, SecretStore, SecretValue } from '../../operations/secrets/secret-store.ts';

/** Each write passes through it, so a test can stop one. */
interface WriteGate {
  readonly call: <Result>(name: string, perform: () => Promise<Result>) => Promise<Result>;
}

/** Secrets in memory, with the versions that Secrets Manager keeps: the current one and the one before it. */
export class InMemorySecrets implements SecretStore {
  readonly #secrets = new Map<string, readonly SecretValue[]>();
  readonly #gate: WriteGate;
  /** Called before each write, for another editor that is faster. */
  beforeWrite: ((name: string) => void) | undefined;

  constructor(gate: WriteGate = { call: (_, perform) => perform() }) {
    this.#gate = gate;
  }

  text(name: string): string | undefined {
    return this.#secrets.get(name)?.[0]?.text;
  }

  /** Every value that a secret has had, newest first. */
  versions(name: string): readonly SecretValue[] {
    return this.#secrets.get(name) ?? [];
  }

  /** Writes as another editor does. */
  put(name: string, text: string, version = `v${this.versions(name).length}`): void {
    this.#secrets.set(name, [{ version, text }, ...this.versions(name)]);
  }

  read(name: string): Promise<SecretValue | undefined> {
    return Promise.resolve(this.versions(name)[0]);
  }

  readPrevious(name: string): Promise<SecretValue | undefined> {
    return Promise.resolve(this.versions(name)[1]);
  }

  write(name: string, text: string, token: string): Promise<void> {
    this.beforeWrite?.(name);
    return this.#gate.call(`write ${name}`, () => {
      this.put(name, text, token);
      return Promise.resolve();
    });
  }

  create(name: string, text: string, token: string, _: SecretDescription): Promise<void> {
    return this.#gate.call(`create ${name}`, () => {
      this.put(name, text, token);
      return Promise.resolve();
    });
  }
}
