import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Clock, HandOver } from '../../application/ports.ts';
import type { PaymentRequestId, PaymentRequestKey, ReferenceKey } from '../../domain/identifiers.ts';
import { formatInstant } from '../../domain/instant.ts';
import { traceIdOf } from '../../domain/trace.ts';

/** Seconds until a message arrives: an index follows the records within about a second. */
const indexLagSeconds = 1;

/** Hands work over by the timer queue, which keeps a message and repeats it until it is done. */
export class TimerQueueHandOver implements HandOver {
  readonly #options: { readonly sqs: SQSClient; readonly queueUrl: string; readonly clock: Clock };

  constructor(options: { readonly sqs: SQSClient; readonly queueUrl: string; readonly clock: Clock }) {
    this.#options = options;
  }

  compare({ account, paymentRequestId }: PaymentRequestKey): Promise<void> {
    return this.#send({ about: 'attempts', account, ...named(paymentRequestId) });
  }

  settle({ account, reference }: ReferenceKey, seen: PaymentRequestId | undefined): Promise<void> {
    return this.#send({ about: 'reference', account, reference, ...(seen && named(seen)) });
  }

  async #send(message: Readonly<Record<string, string>>): Promise<void> {
    const { sqs, queueUrl, clock } = this.#options;
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: JSON.stringify({ ...message, deadline_at: formatInstant(clock.instant()) }),
        DelaySeconds: indexLagSeconds,
      }),
    );
  }
}

const named = (id: PaymentRequestId) => ({ payment_request_id: id, trace_id: traceIdOf(id) });
