import { expect } from 'chai';
import { refuses } from '../refused.js';
import { embedded, json, succeed } from '../run.js';

interface Printed {
  CPU: string;
  threads: number;
  rounds: number;
  loadAtStart: number;
  versions: object;
  rows: { name: string; median?: number; min?: number; skipped?: string }[];
}

const quick = ['bench', '--model', embedded, '--rounds', '2'];

describe('clipscope bench', () => {
  it('--json: one object with the machine and the rows that were asked for', async () => {
    const printed = await json<Printed>([...quick, '--filter', 'embed/float/b1']);
    expect(printed).to.include({ rounds: 2, threads: 1 });
    expect(printed).to.include.keys('CPU', 'memory', 'node', 'packages', 'loadAtStart', 'loadAtEnd', 'versions');
    expect(printed.rows.map(({ name }) => name)).to.deep.equal(['embed/float/b1']);
    for (const { median, min, skipped } of printed.rows) {
      expect(median).to.be.at.least(min!);
      expect(skipped).to.equal('without --peers');
    }
  });

  it('a table for people', async () => {
    const lines = (await succeed([...quick, '--threads', '2', '--filter', 'pipeline'])).trim().split('\n');
    expect(lines[0]).to.match(/^CPU +\S/);
    expect(lines.some(line => /^threads +2$/.test(line))).to.equal(true);
    expect(lines.find(line => line.startsWith('pipeline/sclip'))).to.match(/skipped: without --peers/);
  });

  describe('refuses', () => {
    refuses(
      [
        [
          ['bench', '--filter', 'embd/float/b1'],
          /no row's name contains 'embd\/float\/b1'; did you mean embed\/float\/b1/,
        ],
        [['bench', '--filter', '\n'], /no row's name contains '\\u\{000a\}'/],
        [['bench', '--rounds', '0'], /'0' is invalid.* whole number from 1 up/],
        [['bench', '--rounds', '2.5'], /whole number from 1 up/],
        [['bench', '--threads', 'two'], /whole number from 1 to 256/],
        [['bench', '--model', 'nowhere/at/all', '--filter', 'load'], /model 'nowhere\/at\/all'/],
        [['bench', 'embed'], /too many arguments/],
      ],
      () => {},
    );
  });
});
