import type { CredentialNotes, CredentialUse, UpdateVerb } from '../../functions/application/ports.ts';

const hour = 3_600_000;

/** What the processes know together of each credential, in memory, with the conditions of the table. */
export class InMemoryCredentialNotes implements CredentialNotes {
  readonly verbs = new Map<string, UpdateVerb>();
  readonly uses = new Map<string, CredentialUse>();

  updateVerb = (credential: string): Promise<UpdateVerb | undefined> =>
    Promise.resolve(this.verbs.get(credential));

  noteUpdateVerb = (credential: string, verb: UpdateVerb): Promise<void> =>
    Promise.resolve(void this.verbs.set(credential, verb));

  readonly told = new Map<string, string>();

  noteCertificate = (credential: string, told: string): Promise<boolean> => {
    const isNews = this.told.get(credential) !== told;
    this.told.set(credential, told);
    return Promise.resolve(isNews);
  };

  lastUse = (credential: string): Promise<CredentialUse | undefined> =>
    Promise.resolve(this.uses.get(credential));

  noteUse = (credential: string, use: CredentialUse): Promise<void> => {
    const before = this.uses.get(credential);
    const isNews = !before || (use.call !== undefined && (!before.call || before.at < use.at - hour));
    if (isNews) this.uses.set(credential, use);
    return Promise.resolve();
  };
}
