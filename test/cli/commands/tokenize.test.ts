import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { inTemporaryFolder } from '../../files/temporary.js';
import { goldenPath } from '../../goldens.js';
import { json, run, succeed } from '../run.js';

interface GoldenCase {
  text: string;
  openai: number[];
  openai_error_without_truncate?: string;
  openai_truncated_77?: number[];
}

const [start, end] = [49406, 49407];
const idsOf = async (...args: string[]) => (await json<{ ids: number[][] }>(['tokenize', ...args])).ids;

describe('clipscope tokenize', () => {
  it('gives the ids of every golden: as they are, cut, and with a longer context', function () {
    const cases: GoldenCase[] = JSON.parse(readFileSync(goldenPath(this, 'tokenizer/cases.json'), 'utf8'));
    const whole = cases.map(({ openai }) => [start, ...openai, end]);
    return inTemporaryFolder(async dir => {
      const all = join(dir, 'all.json');
      const short = join(dir, 'short.json');
      const isShort = ({ openai_error_without_truncate }: GoldenCase) => openai_error_without_truncate === undefined;
      writeFileSync(all, JSON.stringify(cases.map(({ text }) => text)));
      writeFileSync(short, JSON.stringify(cases.filter(isShort).map(({ text }) => text)));
      const [asTheyAre, cut, longer] = await Promise.all([
        idsOf('--file', short),
        idsOf('--file', all, '--truncate'),
        idsOf('--file', all, '--context', '1000'),
      ]);
      expect(asTheyAre).to.deep.equal(whole.filter((_, i) => isShort(cases[i]!)));
      expect(cut).to.deep.equal(cases.map(({ openai_truncated_77: ids }, i) => ids ?? whole[i]));
      expect(longer).to.deep.equal(whole);

      const long = cases.find(one => !isShort(one))!;
      const { status, stdout, stderr } = await run(['tokenize', 'a cat', long.text]);
      expect([status, stdout]).to.deep.equal([2, '']);
      expect(stderr).to.match(/^clipscope: .*at most 77 tokens, got \d+ from '.*\n$/);
    });
  });

  it('takes texts as arguments, whatever they begin with', async () => {
    expect(await idsOf('a cat', '')).to.deep.equal([
      [start, 320, 2368, end],
      [start, end],
    ]);
    expect(await succeed(['tokenize', 'A  CAT', 'a photo'])).to.equal('49406 320 2368 49407\n49406 320 1125 49407\n');
    expect(await succeed(['tokenize', '--', '--json'])).to.match(/^49406( \d+)+ 49407\n$/);
    expect(await succeed(['tokenize', 'segment'])).to.match(/^49406( \d+)+ 49407\n$/);
  });

  it('cuts to a context of its own', async () => {
    expect(await idsOf('a photo of a cat', '--context', '4', '--truncate')).to.deep.equal([[start, 320, 1125, end]]);
  });
});
