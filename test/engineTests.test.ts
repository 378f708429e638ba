import { expect } from 'chai';
import { engineTests } from './engineTests.js';

describe('the tests that an engine can change', () => {
  it('are those that start the engine under test, or give it to the command line, and no others', () => {
    const tests = engineTests();
    expect(tests).to.include.members([
      'test/tensor/ops.test.ts',
      'test/model/weights/load.test.ts',
      'test/cli/badUsage.test.ts',
      'test/cli/commands/segment.test.ts',
    ]);
    const others = ['test/engineTests.test.ts', 'test/files/json.test.ts', 'test/lab/page/engine/lab.test.ts'];
    expect(tests.filter(path => others.includes(path))).to.deep.equal([]);
  });
});
