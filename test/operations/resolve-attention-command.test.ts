import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import type { ResolveCommand, ResolveResult } from '../../functions/application/resolve-attention.ts';
import type { Attention } from '../../functions/domain/attention.ts';
import { operatorOf } from '../../operations/operator.ts';
import { resolveMark } from '../../operations/resolve-attention-command.ts';
import { parseOutputs } from '../../operations/stack-outputs.ts';
import { recordedPrinter, runCommand } from '../support/command-line.ts';
import { key } from '../support/fixtures.ts';
import { rawOutputs } from '../support/stack-outputs.ts';

const name = `${key.account}/${key.paymentRequestId}`;

interface Situation {
  readonly attention?: Attention;
  readonly kind?: Attention;
  readonly result?: ResolveResult;
  readonly isDryRun?: boolean;
  readonly isConfirmed?: boolean;
}

async function resolved({
  attention,
  kind,
  result = { kind: 'resolved' },
  isDryRun = false,
  isConfirmed = true,
}: Situation) {
  const { print, lines } = recordedPrinter();
  const commands: ResolveCommand[] = [];
  const isDone = await resolveMark(
    {
      attentionOf: () => Promise.resolve(attention),
      operator: () => Promise.resolve('operator'),
      resolve: (_, command) => {
        commands.push(command);
        return Promise.resolve(result);
      },
    },
    { key, note: 'refunded', kind },
    { print, isDryRun, confirm: () => Promise.resolve(isConfirmed) },
  );
  return { isDone, lines, commands };
}

describe('attention resolve', () => {
  it('the mark that the record has is taken off, with who and why', async () => {
    const { isDone, lines, commands } = await resolved({ attention: 'contradiction' });
    expect(commands).toEqual([{ attention: 'contradiction', by: 'operator', note: 'refunded' }]);
    expect(lines).toEqual([`${name}: the mark contradiction is off, and the history says why.`]);
    expect(isDone).toBe(true);
  });

  it.each<[string, Situation, boolean, string]>([
    ['without a mark', {}, true, 'there is nothing to resolve.'],
    [
      'with another kind than given',
      { attention: 'paid_twice', kind: 'contradiction' },
      false,
      'its mark is paid_twice, not contradiction. Nothing was done.',
    ],
    [
      'with a mark of newer code',
      { attention: 'review_wanted' as string as Attention },
      false,
      'its mark review_wanted is new to this version. A newer version explains it.',
    ],
    [
      'in a dry run',
      { attention: 'contradiction', isDryRun: true },
      true,
      'the mark contradiction would be taken off.',
    ],
    [
      'that the person declines',
      { attention: 'contradiction', isConfirmed: false },
      false,
      'nothing was done.',
    ],
  ])('a record %s stays as it is', async (_, situation, isDone, sentence) => {
    const done = await resolved(situation);
    expect(done).toEqual({ isDone, lines: [`${name}: ${sentence}`], commands: [] });
  });

  it('a record that got another mark meanwhile is shown', async () => {
    const { isDone, lines } = await resolved({
      attention: 'contradiction',
      result: { kind: 'other', attention: 'paid_twice' },
    });
    expect(lines).toEqual([
      `${name}: it has the mark paid_twice now. Look at it, and run the command again.`,
    ]);
    expect(isDone).toBe(false);
  });

  it.each([
    ['without a note', [], "required option '--note <text>'"],
    ['with an empty note', ['--note', ' '], '--note has 0 bytes; allowed: one line of 1 to 120 bytes.'],
    ['with a long note', ['--note', 'å'.repeat(61)], '--note has 122 bytes'],
    ['with a note of two lines', ['--note', 'a\nb'], 'allowed: one line'],
  ])('the command %s is refused', async (_, words, sentence) => {
    const { errors, code } = await runCommand(['attention', 'resolve', name, ...words]);
    expect(errors.join('\n')).toContain(sentence);
    expect(code).toBe(2);
  });
});

describe('the operator', () => {
  const sts = mockClient(STSClient);
  const target = {
    name: 'Lapse',
    isLocal: false,
    outputs: parseOutputs(rawOutputs, 'it'),
    aws: { region: 'eu-north-1' },
  };

  it('the operator is the role, without the name of the session', async () => {
    sts.on(GetCallerIdentityCommand).resolves({ Arn: 'arn:aws:sts::1:assumed-role/oncall/me@example.com' });
    expect(await operatorOf(target)()).toBe('arn:aws:sts::1:assumed-role/oncall');
  });

  it('a user whose name is an e-mail address is told apart, and not named', async () => {
    sts.on(GetCallerIdentityCommand).resolves({ Arn: 'arn:aws:iam::1:user/me@example.com' });
    expect(await operatorOf(target)()).toMatch(/^arn:aws:iam::1:user\/person-[0-9a-f]{8}$/);
  });
});
