// `<inloop-tray>` in a page of somebody else's, in a real Chromium.
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { create, fail, run } from '../test-support/all-statuses.ts';
import { button, row, says, useTrayPages } from '../test-support/tray-in-chromium.ts';

const pages = useTrayPages();

describe('the tray', () => {
  it('can be restyled by custom properties and parts, and says other words at once', async () => {
    const tray = await pages.open([
      run(create(1, 'Import a.csv', 5), 4),
      fail(run(create(2, 'Import b.csv', 5), 4), 1, 'x'),
    ]);
    await button(tray).click();
    await says(row(tray, 'a.csv'), 'Running');
    await tray.evaluate((host) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(
        `inloop-tray { --inloop-surface: rgb(1, 2, 3) } inloop-tray::part(title) { letter-spacing: 7px }`,
      );
      document.adoptedStyleSheets = [sheet];
      Object.assign(host, { wording: { running: 'Läuft', tasks: 'Aufgaben', cancel: 'Abbrechen' } });
    });
    await says(row(tray, 'a.csv'), 'Läuft');
    await says(row(tray, 'a.csv'), 'Abbrechen');
    await says(row(tray, 'b.csv'), 'Retry');
    const [surface, spacing] = await row(tray, 'a.csv').evaluate((element) => [
      getComputedStyle(element.closest('[part=panel]') as Element).backgroundColor,
      getComputedStyle(element.querySelector('[part=title]') as Element).letterSpacing,
    ]);
    expect([surface, spacing]).toEqual(['rgb(1, 2, 3)', '7px']);
  });

  it('takes words that were set before it was defined', async () => {
    await pages.open([]);
    const label = await pages.page.evaluate(() => {
      const tray = document.createElement('inloop-tray');
      // If a page sets `wording` before the element is defined, the object itself gets that property. Here the element is
      // defined already, so the test makes the property.
      Object.defineProperty(tray, 'wording', {
        value: { tasks: 'Aufgaben' },
        configurable: true,
        writable: true,
        enumerable: true,
      });
      document.body.append(tray);
      return tray.shadowRoot?.querySelector('h2')?.textContent;
    });
    expect(label).toBe('Aufgaben');
  });

  it('goes on when it is moved, and closes its connection when it is removed', async () => {
    const tray = await pages.open([run(create(1, 'Import a.csv', 5), 4)]);
    await tray.evaluate((host) => document.querySelector('main')?.append(host));
    const states = () =>
      pages.page.evaluate(() =>
        (globalThis as never as { FakePusher: { made: { connection: { state: string } }[] } }).FakePusher.made.map(
          ({ connection }) => connection.state,
        ),
      );
    await eventually(async () => expect(await states()).toEqual(['connected']));
    await tray.evaluate((host) => host.remove());
    await eventually(async () => expect(await states()).toEqual(['disconnected']));
  });
});
