import fs, { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { type LogEntry, openLog, readLog } from '../../src/train/log.js';
import { inTemporaryFolder } from '../files/temporary.js';

const entry = (step: number): LogEntry => ({
  step,
  loss: 1 / step,
  metrics: {},
  rate: 1,
  imagesPerSecond: 2,
  seconds: 3,
});

describe('the log', () => {
  it('holds an object a line, those it was opened with first', () =>
    inTemporaryFolder(dir => {
      const path = join(dir, 'log.jsonl');
      writeFileSync(path, 'something older\n');
      const log = openLog(path, [entry(1), { step: 1, evaluation: { share: 0.1 } }]);
      log.write(entry(2));
      log.flush();
      log.close();
      expect(readFileSync(path, 'utf8').split('\n')).to.have.length(4);
      expect(readLog(path)).to.deep.equal([entry(1), { step: 1, evaluation: { share: 0.1 } }, entry(2)]);
    }));

  it('is read up to what a crash left of a line', () =>
    inTemporaryFolder(dir => {
      const path = join(dir, 'log.jsonl');
      openLog(path, [entry(1)]).close();
      const whole = JSON.stringify(entry(2));
      const broken = [
        '{"step": 2, "loss"',
        'null',
        '[2]',
        '{"step": "2"}',
        '\0\0\0',
        whole.replace('"loss":0.5,', ''),
        whole.replace('"loss":0.5', '"loss":null'),
        whole.replace('"metrics":{}', '"metrics":{"a":"b"}'),
        '{"step":2,"evaluation":3}',
      ];
      for (const rest of broken) {
        writeFileSync(path, `${JSON.stringify(entry(1))}\n${rest}`);
        appendFileSync(path, `\n${JSON.stringify(entry(3))}\n`);
        expect(readLog(path), rest).to.deep.equal([entry(1)]);
      }
      expect(readLog(join(dir, 'none'))).to.deep.equal([]);
    }));

  it('gives back what is no number in JSON', () =>
    inTemporaryFolder(dir => {
      const path = join(dir, 'log.jsonl');
      const entries = [
        { ...entry(1), metrics: { gradient: Number.NaN } },
        { step: 1, evaluation: { share: Number.NaN } },
      ];
      openLog(path, entries).close();
      expect(readLog(path)).to.deep.equal(entries);
    }));

  it('is whole where the system takes a few bytes at a time', () =>
    inTemporaryFolder(dir => {
      const path = join(dir, 'log.jsonl');
      const { writeSync } = fs;
      const log = openLog(path);
      const few = (descriptor: number, bytes: Buffer, offset = 0, length = bytes.length - offset) =>
        writeSync(descriptor, bytes, offset, Math.min(length, 3));
      fs.writeSync = few as typeof writeSync;
      syncBuiltinESMExports();
      try {
        log.write(entry(1));
      } finally {
        fs.writeSync = writeSync;
        syncBuiltinESMExports();
        log.close();
      }
      expect(readLog(path)).to.deep.equal([entry(1)]);
    }));

  it('says what it cannot write or read', () =>
    inTemporaryFolder(dir => {
      expect(() => openLog(join(dir, 'none', 'log.jsonl'))).to.throw(
        InputError,
        /log\.jsonl: cannot be written: no such/,
      );
      expect(() => openLog(dir)).to.throw(InputError, /it is a folder/);
      expect(() => readLog(dir)).to.throw(InputError, /it is a folder/);
    }));
});
