import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { cacheFolder } from '../../src/files/cacheFolder.js';

describe('cacheFolder', () => {
  it('is what CLIPSCOPE_CACHE says, else lies in the XDG cache, else in the home folder', () => {
    const home = join(homedir(), '.cache', 'clipscope');
    expect(cacheFolder({ CLIPSCOPE_CACHE: '/a/b', XDG_CACHE_HOME: '/x' })).to.equal('/a/b');
    expect(cacheFolder({ CLIPSCOPE_CACHE: 'here' })).to.equal(resolve('here'));
    expect(cacheFolder({ CLIPSCOPE_CACHE: '', XDG_CACHE_HOME: '/x' })).to.equal(join('/x', 'clipscope'));
    expect(cacheFolder({ XDG_CACHE_HOME: 'relative' })).to.equal(home);
    expect(cacheFolder({})).to.equal(home);
  });
});
