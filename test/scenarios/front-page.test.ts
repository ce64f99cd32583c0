import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import axe, { type AxeResults } from 'axe-core';
import { type Browser, chromium, type Locator, type Page, type Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

const execute = promisify(execFile);

/** Debian's Chromium. Where it is missing, these tests are skipped. */
const executablePath = '/usr/bin/chromium';

/** A long limit: these tests do not measure speed. */
const waitLimit = 40_000;

/** The label or the text of the focused element. */
const focusedName = `(document.activeElement.labels?.[0]?.firstChild ?? document.activeElement).textContent.trim()`;

/** Marks each checkbox that the page unchecks. The next refresh may check it again within milliseconds. */
const noteUndone = `
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'checked');
  for (const box of document.querySelectorAll('input[type=checkbox]'))
    Object.defineProperty(box, 'checked', {
      get,
      set(checked) {
        if (get.call(box) && !checked) box.dataset.undone = 'true';
        set.call(box, checked);
      },
    });`;

describe.skipIf(!existsSync(executablePath))('the local page', () => {
  let system: LocalProcess;
  let lapse: SystemClient;
  let browser: Browser;
  let address: string;

  beforeAll(async () => {
    [system, browser] = await Promise.all([
      startLocalProcess(),
      chromium.launch({
        executablePath,
        args: [
          '--headless',
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--no-first-run',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
        ],
      }),
    ]);
    lapse = new SystemClient(system);
    address = await vi.waitUntil(() => /Its page: (http:\S+)/.exec(system.output())?.[1], waitLimit);
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    expect(await system.stop()).toBe(0);
  });

  /** Opens the page. An error or a warning of the browser fails the test. */
  async function open(options: { readonly width?: number; readonly hash?: string } = {}): Promise<Page> {
    const { width = 1280, hash = '' } = options;
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    page.setDefaultTimeout(waitLimit);
    const violations: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) violations.push(message.text());
    });
    page.on('pageerror', (error) => violations.push(error.message));
    page.on('dialog', (dialog) => {
      violations.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    onTestFinished(async () => {
      await page.close();
      // Chromium reports every response of 400 and above, which the page shows to the reader.
      expect(violations.filter((text) => !text.startsWith('Failed to load resource'))).toEqual([]);
    });
    await page.goto(`${address}/${hash}`);
    await page.getByText(', live').waitFor();
    return page;
  }

  /** Presses Tab until the control of this name has the focus. */
  async function tabTo(page: Page, name: string): Promise<void> {
    for (let presses = 0; presses < 80; presses += 1) {
      await page.keyboard.press('Tab');
      const label: unknown = await page.evaluate(focusedName);
      if (label === name) return;
    }
    throw new Error(`80 presses of Tab did not lead to ${name}.`);
  }

  /** Starts a session with the page's form. */
  async function startSession(page: Page, order: string, timeout: string): Promise<void> {
    await page.getByLabel('Ends after').selectOption(timeout);
    await page.getByRole('textbox', { name: 'Order reference' }).fill(order);
    await page.getByRole('button', { name: 'Start the session' }).click();
    await chosen(page).getByRole('heading', { name: order }).waitFor();
  }

  /** Injects a fault for the chosen request. The panel must be open. */
  async function injectFault(page: Page, where: string, what: string): Promise<void> {
    await page.getByLabel(/^Where/).selectOption(where);
    await page.getByLabel(/^Fault/).selectOption(what);
    await page.getByLabel(/^Only for the chosen/).check();
    await page.getByRole('button', { name: 'Inject fault' }).click();
  }

  /** Waits for two more refreshes. The page shows the time of each. */
  async function twoRefreshes(page: Page): Promise<void> {
    const pulse = page.locator('#pulse');
    for (let count = 0; count < 2; count += 1) {
      const before = await pulse.textContent();
      await expect.poll(() => pulse.textContent(), { timeout: waitLimit }).not.toBe(before);
    }
  }

  const chosen = (page: Page) => page.getByRole('region', { name: 'The chosen Payment Request' });

  const card = (page: Page, order: string) =>
    page.locator('.session').filter({ has: page.getByRole('heading', { name: order, exact: true }) });

  const registered = async (fields: Readonly<Record<string, unknown>> = {}): Promise<string> => {
    const id = await lapse.createAtKlarna({ announce: true });
    await lapse.register(id, { session_timeout: 'PT20M', ...fields });
    return id;
  };

  const routeTo = (id: string): string => `#/accounts/demo/payment-requests/${encodeURIComponent(id)}`;

  it(
    'the keyboard alone starts a session, approves it and finds it paid; a later cancel is refused in plain words',
    async () => {
      const page = await open();
      await tabTo(page, 'Order reference');
      await page.keyboard.type('order-keys');
      await page.keyboard.press('Enter');
      await chosen(page).getByRole('heading', { name: 'order-keys' }).waitFor();
      await card(page, 'order-keys')
        .getByText(/^\d:\d\d left$/)
        .waitFor();
      await expect
        .poll(() => page.locator('.session .bar__rest').first().getAttribute('style'))
        .toMatch(/scaleX\(0/);

      await expect.poll(() => page.evaluate(focusedName)).toBe('order-keys');
      await tabTo(page, 'Approve');
      await page.keyboard.press('Enter');
      await card(page, 'order-keys').getByText('paid', { exact: true }).first().waitFor();
      await chosen(page).getByText('Done: Approve.').waitFor();

      await twoRefreshes(page);
      expect(await page.evaluate(focusedName)).toBe('Approve');
      await chosen(page).getByRole('button', { name: 'Cancel', exact: true }).press('Enter');
      await page
        .getByRole('alert')
        .getByText(/^409: The Payment Request is paid or has ended/)
        .waitFor();
      expect(await card(page, 'order-keys').locator('.chip').textContent()).toBe('paid');
      expect(await chosen(page).locator('.countdown').textContent()).toBe('');
      await page.getByRole('list', { name: 'Timeline' }).getByText('Cancel requested: refused').waitFor();
    },
    2 * waitLimit,
  );

  it(
    'an unpaid session counts down, ends, and shows how in its timeline',
    async () => {
      const page = await open();
      await startSession(page, 'order-late', 'PT5S');
      await card(page, 'order-late').getByText('ended').waitFor();
      const timeline = page.getByRole('list', { name: 'Timeline' });
      await timeline.getByText('Session registered').waitFor();
      await timeline.getByText('Session timed out').waitFor();
      await timeline
        .getByText(/CANCELED/)
        .first()
        .waitFor();
      await chosen(page)
        .getByText(/The two agree/)
        .waitFor();
      await page.getByRole('list', { name: 'Published events' }).getByText('order-late').first().waitFor();
    },
    2 * waitLimit,
  );

  it(
    'the list shows paid and ended sessions, and finds one by a part of its order or id',
    async () => {
      const paid = await registered({ reference: 'shown-paid' });
      const ended = await registered({ reference: 'shown-ended' });
      await registered({ reference: 'shown-open' });
      await lapse.customer(paid, 'approve');
      await lapse.cancel(ended);
      const page = await open();
      const filter = page.getByLabel('Show');
      const search = page.getByRole('searchbox', { name: 'Search' });
      const titles = () => page.locator('.session h3').allTextContents();
      await search.fill('SHOWN-');
      for (const status of ['open', 'paid', 'ended']) {
        await filter.selectOption(status);
        await expect.poll(titles, { timeout: waitLimit }).toEqual([`shown-${status}`]);
      }
      await filter.selectOption('all');
      await expect.poll(titles, { timeout: waitLimit }).toEqual(['shown-open', 'shown-ended', 'shown-paid']);
      await search.fill(ended.slice(-12));
      await expect.poll(titles, { timeout: waitLimit }).toEqual(['shown-ended']);
      await search.fill('shown-nothing');
      await page.getByText('No session matches.').waitFor();
    },
    2 * waitLimit,
  );

  it(
    'a reference that waits shows until its Payment Request joins',
    async () => {
      const path = '/references/waits-1';
      await lapse.api('PUT', path, { session_timeout: 'PT20M' });
      const page = await open();
      const waits = page.locator('.reference').filter({ hasText: 'waits-1' });
      await waits.getByText('waiting', { exact: true }).waitFor();
      await lapse.api('DELETE', `${path}?reason=emptied`);
      await waits.getByText('A cancel waits for the request: emptied').waitFor();
      const id = await lapse.createAtKlarna({ announce: true, payment_request_reference: 'waits-1' });
      await page.getByRole('searchbox', { name: 'Search' }).fill('waits-1');
      await waits.getByText('joined', { exact: true }).waitFor();
      await waits.getByRole('link', { name: 'Show the Payment Request' }).click();
      await chosen(page).getByText(id, { exact: true }).waitFor();
    },
    2 * waitLimit,
  );

  it(
    'an attempt leads to the one that it was recovered from',
    async () => {
      const first = await registered({ session_id: 'cart-recovered' });
      await lapse.customer(first, 'decline');
      await lapse.until(first, ({ final }) => final === true);
      const second = await registered({ session_id: 'cart-recovered' });
      const page = await open({ hash: routeTo(second) });
      await chosen(page)
        .getByRole('link', { name: `Recovered from …${first.slice(-8)}` })
        .click();
      await chosen(page).getByText(first, { exact: true }).waitFor();
    },
    2 * waitLimit,
  );

  it(
    'a lost webhook shows as a difference between Klarna and the record',
    async () => {
      const id = await registered({ reference: 'order-lost' });
      const page = await open({ hash: routeTo(id) });
      await chosen(page)
        .getByText(/The two agree/)
        .waitFor();
      await page.getByText('Faults', { exact: true }).click();
      await page.getByLabel('How many times').fill('2');
      await injectFault(page, 'Klarna’s webhooks', 'Lost');
      await page
        .getByRole('list', { name: 'Pending faults' })
        .getByText('klarna webhook lose, 2 more')
        .waitFor();
      await chosen(page).getByRole('button', { name: 'Approve' }).click();
      await chosen(page)
        .getByText(/The two differ/)
        .waitFor();
      await chosen(page).getByText('At Klarna: paid').waitFor();
      await chosen(page).getByText('In the record: submitted').waitFor();
      await chosen(page).getByText('Webhook “completed”: lost').waitFor();
      await chosen(page).getByRole('button', { name: 'Read from Klarna' }).click();
      await chosen(page)
        .getByText(/The two agree. Source of the record: a read from Klarna/)
        .waitFor();
      await page.getByRole('button', { name: 'Clear faults' }).click();
      await page.getByText('All faults are cleared.').waitFor();
    },
    2 * waitLimit,
  );

  it(
    'the race between approval and cancel can be played on the page, and shows its alert',
    async () => {
      const id = await registered({ reference: 'order-race' });
      const page = await open({ hash: routeTo(id) });
      await page.getByText('Faults', { exact: true }).click();
      const lax = page.getByLabel('Klarna allows canceling a paid request');
      await lax.check();
      await page.getByText('A paid request can be canceled.').waitFor();
      await injectFault(page, 'Calls to Klarna', 'Customer pays just before our cancel');
      await page.getByText('Customer pays just before our cancel: pending.').waitFor();
      await chosen(page).getByRole('button', { name: 'Cancel', exact: true }).click();
      await chosen(page)
        .getByText(/^Canceled just after the customer approved/)
        .waitFor();
      const events = page.getByRole('list', { name: 'Published events' });
      await events.getByText('canceled: canceled after completed').waitFor();
      await twoRefreshes(page);
      expect(await lax.isChecked()).toBe(true);
      await lax.uncheck();
      await page.getByText('A paid request cannot be canceled.').waitFor();
    },
    2 * waitLimit,
  );

  it(
    'a read of Klarna’s setting that began before a change does not undo it on the page',
    async () => {
      const page = await open();
      const settings = '**/klarna/settings';
      const begun = Promise.withResolvers<undefined>();
      const changed = Promise.withResolvers<undefined>();
      const isRead = (request: Request) =>
        request.method() === 'GET' && request.url().endsWith('/klarna/settings');
      let first: Request | undefined;
      await page.route(settings, async (route) => {
        const request = route.request();
        if (!isRead(request) || first !== undefined) return route.continue();
        first = request;
        const response = await route.fetch();
        begun.resolve(undefined);
        await changed.promise;
        return route.fulfill({ response });
      });
      await page.getByText('Faults', { exact: true }).click();
      await begun.promise;
      const lax = page.getByLabel('Klarna allows canceling a paid request');
      await page.evaluate(noteUndone);
      await lax.check();
      await page.getByText('A paid request can be canceled.').waitFor();
      const read = page.waitForResponse((response) => response.request() === first);
      changed.resolve(undefined);
      await (await read).finished();
      await twoRefreshes(page);
      expect(await lax.isChecked()).toBe(true);
      expect(await lax.getAttribute('data-undone')).toBe(null);
      await page.unroute(settings);
      await lax.uncheck();
      await page.getByText('A paid request cannot be canceled.').waitFor();
    },
    2 * waitLimit,
  );

  it(
    'a Klarna that refuses connections responds again when faults are cleared',
    async () => {
      const page = await open();
      await page.getByText('Faults', { exact: true }).click();
      await page.getByLabel(/^Where/).selectOption('Calls to Klarna');
      await page.getByLabel(/^Fault/).selectOption('Connection refused, until faults are cleared');
      expect(await page.getByLabel('How many times').isDisabled()).toBe(true);
      expect(await page.getByLabel(/^Only for the chosen/).isDisabled()).toBe(true);
      await page.getByRole('button', { name: 'Inject fault' }).click();
      await page.getByText('Connection refused, until faults are cleared: injected.').waitFor();
      await expect(lapse.createAtKlarna()).rejects.toThrow();
      await page.getByRole('button', { name: 'Clear faults' }).click();
      await page.getByText('All faults are cleared.').waitFor();
      expect(await lapse.createAtKlarna()).toMatch(/^krn:/);
    },
    2 * waitLimit,
  );

  it(
    'markup in the API’s data is shown as text',
    async () => {
      const hostile = '<img src=x onerror=alert(1)><script>alert(2)';
      const id = await registered({ reference: hostile, session_id: '"><b>bold' });
      await lapse.cancel(id, `?reason=${encodeURIComponent('<i onclick=alert(3)>why</i>')}`);
      const page = await open({ hash: routeTo(id) });
      await chosen(page).getByRole('heading', { name: hostile }).waitFor();
      await card(page, hostile).waitFor();
      await page.getByRole('list', { name: 'Published events' }).getByText(hostile).first().waitFor();
      await page.getByRole('list', { name: 'Timeline' }).getByText('Cancel requested').waitFor();
      expect(await page.locator('main img, main script, main b, main i').count()).toBe(0);
    },
    2 * waitLimit,
  );

  it(
    'the page fits a phone, and every control has a name',
    async () => {
      const id = await registered({ reference: 'order-phone', session_id: 'x'.repeat(255) });
      const page = await open({ width: 360, hash: routeTo(id) });
      await chosen(page)
        .getByText(/The two agree/)
        .waitFor();
      await page.getByText('Faults', { exact: true }).click();
      await expectToFit(page);
      expect(await namelessControls(page)).toEqual([]);
      await page.getByRole('link', { name: '← All sessions' }).click();
      await expect.poll(() => page.evaluate(focusedName)).toContain(id.slice(-8));
      await card(page, 'order-phone').waitFor();
      await expectToFit(page);
      expect(await namelessControls(page)).toEqual([]);
    },
    2 * waitLimit,
  );

  it(
    'a skip to the deadline ends the session now, and impossible actions say why they do nothing',
    async () => {
      const id = await registered({ reference: 'order-skipped' });
      const page = await open({ hash: routeTo(id) });
      const named = (name: string) => chosen(page).getByRole('button', { name, exact: true });
      expect(await named('Step back').isDisabled()).toBe(true);
      await named('Step back').press('Enter');
      await page.getByRole('alert').getByText('Klarna does not allow this: it is submitted.').waitFor();
      await named('Skip to the deadline').click();
      await card(page, 'order-skipped').getByText('ended').waitFor();
      await expect.poll(() => named('Cancel').isDisabled(), { timeout: waitLimit }).toBe(true);
      expect(await lapse.record(id)).toMatchObject({
        state: 'CANCELED',
        cancellation: { cause: 'timeout' },
      });
      const hourAhead = async () => (await lapse.control('GET', '/clock')).body['ahead_ms'];
      const before = Number(await hourAhead());
      await named('Skip an hour ahead').click();
      await expect.poll(hourAhead, { timeout: waitLimit }).toBe(before + 3_600_000);
    },
    2 * waitLimit,
  );

  it(
    'an action that was copied as curl or as TypeScript runs outside the page',
    async () => {
      const id = await registered({ reference: 'order-copied' });
      const page = await open({ hash: routeTo(id) });
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: address });
      const copied = async (action: string, language: string): Promise<string> => {
        await chosen(page)
          .getByRole('combobox', { name: /^Action/ })
          .selectOption(action);
        await chosen(page)
          .getByRole('combobox', { name: /^Language/ })
          .selectOption(language);
        await chosen(page).getByRole('button', { name: 'Copy', exact: true }).click();
        await chosen(page).getByText('Copied.').waitFor();
        return String(await page.evaluate('navigator.clipboard.readText()'));
      };
      await chosen(page).getByText('Copy as curl or TypeScript').click();
      const curl = await copied('Dry run', 'curl');
      const { stdout } = await execute('sh', ['-c', `${curl} --silent`]);
      expect(JSON.parse(stdout)).toMatchObject({ payment_request_id: id, outcome: 'would_cancel' });
      expect(await lapse.record(id)).toMatchObject({ state: 'SUBMITTED' });

      const folder = await mkdtemp(join(tmpdir(), 'lapse-copied-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      const client = join(process.cwd(), 'client', 'lapse-client.ts');
      const typescript = await copied('Cancel', 'TypeScript');
      await writeFile(join(folder, 'copied.mts'), typescript.replace('lapse-client', client));
      await execute(process.execPath, [join(folder, 'copied.mts')]);
      expect(await lapse.record(id)).toMatchObject({ state: 'CANCELED' });
    },
    2 * waitLimit,
  );

  it(
    'the raw record, an event, schedules, jobs, quarantine and dead letters are shown as JSON',
    async () => {
      const id = await registered({ reference: 'order-raw' });
      await lapse.api('PUT', '/cancel-jobs/job-1', { payment_request_ids: [id], dry_run: true });
      await lapse.deliver(id, 'SUBMITTED', { metadata: { event_type: 'payment.request.unheard-of' } });
      const page = await open({ hash: routeTo(id) });
      const openJson = async (place: Locator, summary: string) => {
        await place.getByText(summary, { exact: true }).first().click();
        return JSON.parse(
          (await place.locator('details[open] > pre').first().textContent()) ?? '',
        ) as unknown;
      };
      expect(await openJson(chosen(page), 'Raw record')).toEqual(await lapse.record(id));
      const events = page.getByRole('list', { name: 'Published events' });
      const row = events.getByRole('listitem').filter({ hasText: 'order-raw' }).first();
      expect(await openJson(row, 'JSON')).toMatchObject({
        source: 'lapse',
        detail: { payment_request_id: id },
      });

      await page.getByText('Schedules and queues', { exact: true }).click();
      const list = (name: string) => page.getByRole('list', { name, exact: true });
      expect(await openJson(list('Schedules').getByRole('listitem').first(), 'JSON')).toHaveProperty(
        'fires_at',
      );
      expect(await openJson(list('Cancel jobs'), 'JSON')).toMatchObject({ job_id: 'job-1' });
      expect(await openJson(list('Quarantine'), 'JSON')).toMatchObject({
        reason: 'unknown_type',
        payment_request_id: id,
      });
      await page.getByRole('heading', { name: 'Dead letters: 0' }).waitFor();
    },
    2 * waitLimit,
  );

  it(
    'a press anywhere on a card opens its newest attempt',
    async () => {
      const session = { session_id: 'cart-card', reference: 'order-card' };
      const older = await registered(session);
      const newest = await registered(session);
      const page = await open();
      await card(page, 'order-card').click({ position: { x: 5, y: 5 } });
      await chosen(page).getByText(newest, { exact: true }).waitFor();
      await card(page, 'order-card').getByText(older.slice(-8)).click();
      await chosen(page).getByText(older, { exact: true }).waitFor();
    },
    2 * waitLimit,
  );

  it(
    'a new attempt is another request in the same session, and is chosen',
    async () => {
      const first = await registered({ session_id: 'cart-again', reference: 'order-again' });
      const page = await open({ hash: routeTo(first) });
      const attempts = card(page, 'order-again').locator('.attempt');
      for (const count of [2, 3]) {
        await chosen(page).getByRole('button', { name: 'New attempt' }).click();
        await expect.poll(() => attempts.count(), { timeout: waitLimit }).toBe(count);
        await expect
          .poll(() => attempts.first().getAttribute('aria-current'), { timeout: waitLimit })
          .toBe('true');
      }
    },
    2 * waitLimit,
  );

  it.each(['light', 'dark'] as const)(
    'axe-core finds nothing wrong with the page in %s colours',
    async (colorScheme) => {
      const id = await registered({ reference: `order-${colorScheme}` });
      await lapse.cancel(await registered({ reference: 'order-ended' }));
      const page = await open();
      await page.emulateMedia({ colorScheme });
      expect(await violationsIn(page)).toEqual([]);
      await page.goto(`${address}/${routeTo(id)}`);
      await chosen(page)
        .getByText(/The two agree/)
        .waitFor();
      const summaries = page.locator('summary:visible');
      for (const summary of await summaries.all()) await summary.click();
      await chosen(page).getByRole('button', { name: 'Step back' }).press('Enter');
      await page.getByRole('alert').getByText('Klarna does not allow this').waitFor();
      await twoRefreshes(page);
      expect(await violationsIn(page)).toEqual([]);
      await page.setViewportSize({ width: 360, height: 800 });
      expect(await violationsIn(page)).toEqual([]);
    },
    3 * waitLimit,
  );

  it(
    'countdowns use the clock of the system, even after it has moved',
    async () => {
      expect((await lapse.control('POST', '/clock', { advanceMs: 3_600_000 })).status).toBe(200);
      await registered({ reference: 'order-later' });
      const page = await open();
      await card(page, 'order-later')
        .getByText(/^(20:00|19:\d\d) left$/)
        .waitFor();
    },
    2 * waitLimit,
  );

  it(
    'the page says that Lapse does not respond',
    async () => {
      const page = await open();
      expect(await system.stop()).toBe(0);
      await page
        .getByRole('alert')
        .getByText('Lapse does not respond. Is its command still running?')
        .waitFor();
      await page.getByText('not connected').waitFor();
    },
    2 * waitLimit,
  );

  /** What axe-core finds: the rule, and where it is broken. */
  async function violationsIn(page: Page): Promise<readonly string[]> {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<AxeResults>('axe.run()');
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  }

  const expectToFit = async (page: Page): Promise<void> => {
    const width: unknown = await page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(360);
  };

  /** Controls that assistive technology would announce without a name. */
  async function namelessControls(page: Page): Promise<readonly string[]> {
    const session = await page.context().newCDPSession(page);
    const { nodes } = await session.send('Accessibility.getFullAXTree');
    const controls = nodes.filter(({ ignored, role }) => !ignored && controlRoles.has(String(role?.value)));
    expect(controls.length).toBeGreaterThan(10);
    return controls.filter(({ name }) => !name?.value).map(({ role }) => String(role?.value));
  }

  const controlRoles = new Set([
    'button',
    'link',
    'textbox',
    'searchbox',
    'combobox',
    'checkbox',
    'spinbutton',
  ]);
});
