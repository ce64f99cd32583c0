import { setTimeout as wait } from 'node:timers/promises';
import type { LocalSystem } from '../local-system.ts';
import { callJson } from '../shared/json-call.ts';
import type { Actor } from './timeline.ts';

/** A call or a webhook about a Payment Request. */
export interface Sighting {
  readonly paymentRequestId: string;
  readonly actor: Actor;
  readonly text: string;
}

interface SeenCall {
  readonly call_id: string;
  readonly method: string;
  readonly payment_request_id: string | null;
  readonly status: number | null;
  readonly fault: string | null;
}

interface SeenDelivery {
  readonly delivery_id: string;
  readonly event_type: string;
  readonly payment_request_id: string;
  readonly attempts: readonly { readonly status?: number | null }[];
}

/** An event as `GET /events` shows it. */
export interface PublishedEvent {
  readonly 'detail-type': string;
  readonly detail: Readonly<Record<string, unknown>>;
}

const pollMillis = 40;

/**
 * Reports every call that Klarna receives and every webhook that it sends, as soon as each has a response, until
 * stopped.
 */
export async function watchKlarna(
  { klarna }: Pick<LocalSystem, 'klarna'>,
  onSighting: (sighting: Sighting) => void,
  stop: AbortSignal,
): Promise<void> {
  const told = new Set<string>();
  const tellOnce = (key: string, sighting: Sighting): void => {
    if (told.has(key)) return;
    told.add(key);
    onSighting(sighting);
  };
  while (!stop.aborted) {
    const { calls } = (await callJson('GET', `${klarna}/_simulator/calls`)).body as { calls: SeenCall[] };
    for (const { call_id, method, payment_request_id, status } of calls) {
      if (payment_request_id === null || status === null) continue;
      tellOnce(call_id, {
        paymentRequestId: payment_request_id,
        actor: 'lapse',
        text: `${method} at Klarna: ${status}`,
      });
    }
    const { deliveries } = (await callJson('GET', `${klarna}/_simulator/deliveries`)).body as {
      deliveries: SeenDelivery[];
    };
    for (const { delivery_id, event_type, payment_request_id, attempts } of deliveries) {
      for (const [index, { status }] of attempts.entries()) {
        tellOnce(`${delivery_id} ${index}`, {
          paymentRequestId: payment_request_id,
          actor: 'klarna',
          text: `webhook ${event_type.split('.').at(-1) ?? event_type}: ${status ?? 'no response'}`,
        });
      }
    }
    await wait(pollMillis, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** Reports every published event, until stopped. */
export async function watchEvents(
  { control }: Pick<LocalSystem, 'control'>,
  onEvent: (event: PublishedEvent) => void,
  stop: AbortSignal,
): Promise<void> {
  const response = await fetch(`${control}/events?follow=true`, { signal: stop });
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onEvent(JSON.parse(line) as PublishedEvent);
  }
}
