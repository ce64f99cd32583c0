import type { Clock, CredentialNotes, UpdateVerb } from '../../application/ports.ts';
import type { KlarnaResponse } from '../../domain/klarna-response.ts';

/** What choosing the verb of an update needs. */
export interface UpdateVerbDependencies {
  /** What the processes know together. Without it, each process finds out by itself. */
  readonly notes?: Pick<CredentialNotes, 'updateVerb' | 'noteUpdateVerb'> | undefined;
  readonly clock: Pick<Clock, 'now'>;
  /** Called with a fault of the notes. The process then goes by what it knows itself. */
  readonly onFault: (error: unknown) => void;
}

/** Klarna's current pages show PUT. An older page and the published collection show PATCH. */
const verbs = ['PUT', 'PATCH'] as const satisfies readonly UpdateVerb[];

/** After so many updates that neither verb did, the other verb is tried only once in a while: the verb is not what is wrong. */
const mostFruitless = 3;

/** Milliseconds of that while. */
const fruitlessInterval = 600_000;

/** Refusals in a row, each about its request, after which the verb that was accepted before is doubted: Klarna may have changed it. */
const mostRefusals = 3;

/** What one process knows about the updates of one credential. */
interface Known {
  verb: UpdateVerb | undefined;
  /** Refusals in a row that are about the request, as far as is known. */
  refusals: number;
  /** Updates in a row that neither verb did, and when the other verb was tried last. */
  fruitless: number;
  triedAt: number;
}

/**
 * Which verb Klarna takes for an update of a Payment Request. It sends the verb that the credential has been seen to accept. Where Klarna
 * does not know the route, it tries the other one once, and remembers the one that was taken.
 */
export class UpdateVerbs {
  readonly #dependencies: UpdateVerbDependencies;
  readonly #known = new Map<string, Promise<Known>>();

  constructor(dependencies: UpdateVerbDependencies) {
    this.#dependencies = dependencies;
  }

  /** Sends the update with the verb that Klarna takes, and with the other one where that is not known or not true any more. */
  async send(
    credential: string,
    update: (verb: UpdateVerb) => Promise<KlarnaResponse>,
  ): Promise<KlarnaResponse> {
    const known = await this.#of(credential);
    const first = known.verb ?? verbs[0];
    const response = await update(first);
    known.refusals = isAboutTheRequest(response) ? known.refusals + 1 : 0;
    const isTrusted = known.verb !== undefined && known.refusals < mostRefusals;
    if (!isDoubtful(response, isTrusted)) {
      if (isOfTheRoute(response)) await this.#learn(credential, known, first);
      return response;
    }
    if (!this.#mayTryAgain(known)) return response;
    const second = first === 'PUT' ? 'PATCH' : 'PUT';
    const other = await update(second);
    if (isOfTheRoute(other) || isMoreOfTheRoute(other, response)) {
      await this.#learn(credential, known, second);
      return other;
    }
    if (!isSilent(other)) known.fruitless += 1;
    return response;
  }

  #of(credential: string): Promise<Known> {
    const before = this.#known.get(credential);
    if (before) return before;
    const read = this.#read(credential);
    this.#known.set(credential, read);
    return read;
  }

  async #read(credential: string): Promise<Known> {
    const { notes, onFault } = this.#dependencies;
    const verb = await notes?.updateVerb(credential).catch((error: unknown) => {
      onFault(error);
      return undefined;
    });
    return { verb, refusals: 0, fruitless: 0, triedAt: Number.NEGATIVE_INFINITY };
  }

  async #learn(credential: string, known: Known, verb: UpdateVerb): Promise<void> {
    const { notes, onFault } = this.#dependencies;
    known.fruitless = 0;
    known.refusals = 0;
    if (known.verb === verb) return;
    known.verb = verb;
    await notes?.noteUpdateVerb(credential, verb).catch(onFault);
  }

  #mayTryAgain(known: Known): boolean {
    const now = this.#dependencies.clock.now();
    const isPause = known.fruitless >= mostFruitless && now - known.triedAt < fruitlessInterval;
    if (!isPause) known.triedAt = now;
    return !isPause;
  }
}

/** Klarna knows the route: it did the update, or the state of the request forbids it. */
const isOfTheRoute = (response: KlarnaResponse): boolean =>
  response.kind === 'payment_request' ||
  response.kind === 'unknown_state' ||
  (response.kind === 'refused' && response.isConflict === true);

/**
 * Whether Klarna may not know the route. A 405 says so, and a 400, 403 or 404 without one of Klarna's codes. With a code it is about the
 * request, as far as is known: a trusted verb is not doubted for it.
 */
function isDoubtful(response: KlarnaResponse, isTrusted: boolean): boolean {
  const { status, error_code: code } = response.proof;
  if (status === '405') return true;
  if (status === '403') return code === undefined;
  return (status === '400' || status === '404') && (code === undefined || !isTrusted);
}

/** Whether only the second response has a code of Klarna, which a wrong route has not. */
const isMoreOfTheRoute = (second: KlarnaResponse, first: KlarnaResponse): boolean =>
  isAboutTheRequest(second) && !isAboutTheRequest(first);

const isAboutTheRequest = ({ proof: { status, error_code: code } }: KlarnaResponse): boolean =>
  (status === '400' || status === '404') && code !== undefined;

/** Klarna did not respond, or had no time: nothing is known. */
const isSilent = ({ kind }: KlarnaResponse): boolean => kind === 'unclear' || kind === 'rate_limited';
