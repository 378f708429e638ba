import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import { parseQueueUrl } from '../../../src/evaluate/queue/queueUrl.js';

describe('the address of a queue', () => {
  it('has a host, and a port, a database, a user and a password where they are given', () => {
    expect(parseQueueUrl('redis://host', {})).to.deep.equal({
      host: 'host',
      port: 6379,
      database: 0,
      tls: false,
      shown: 'redis://host:6379',
    });
    expect(parseQueueUrl('rediss://me:a%2Fb@10.0.0.7:7000/3', {})).to.deep.equal({
      host: '10.0.0.7',
      port: 7000,
      database: 3,
      tls: true,
      user: 'me',
      password: 'a/b',
      shown: 'rediss://10.0.0.7:7000/3',
    });
    expect(parseQueueUrl('redis://:secret@host/', {})).to.include({ password: 'secret', database: 0 });
    expect(parseQueueUrl('redis://[::1]:7000', {})).to.include({ host: '::1', shown: 'redis://[::1]:7000' });
  });

  it('takes a password that it lacks from the environment', () => {
    const env = { CLIPSCOPE_QUEUE_PASSWORD: 'hidden' };
    expect(parseQueueUrl('redis://me@host', env)).to.include({ user: 'me', password: 'hidden' });
    expect(parseQueueUrl('redis://:shown@host', env)).to.include({ password: 'shown' });
  });

  const bad = [
    '',
    'redis',
    'host:6379',
    'http://host:6379',
    'redis://',
    'redis://:secret@',
    'redis://host:0',
    'redis://host:65536',
    'redis://host:x',
    'redis://host/x',
    'redis://host/-1',
    'redis://host/1/2',
    'redis://host/1e3',
    'redis://:secret#1@host',
    'redis://:sec/ret@host',
    'redis://:secret%zz@host',
    'redis://host?family=6&password=secret',
  ];
  for (const text of bad) {
    it(`is not '${text}'`, () => {
      expect(() => parseQueueUrl(text, {}))
        .to.throw(InputError, /^--queue: expected redis:\/\/\[user:password@\]host/)
        .with.property('message')
        .that.does.not.match(/secret|sec\/ret|\n/);
    });
  }

  it('never shows user or password, whatever they are', () => {
    const secret = fc.string({ minLength: 8, unit: 'grapheme' });
    const property = fc.property(secret, secret, (user, password) => {
      const place = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@host`;
      const parsed = parseQueueUrl(`redis://${place}`, {});
      expect(parsed).to.include({ user, password, shown: 'redis://host:6379' });
    });
    fc.assert(property, { numRuns: 200 });
  });
});
