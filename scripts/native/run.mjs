/** Running other programs quietly: their output is kept and shown only where it says what went wrong. */
import { spawn } from 'node:child_process';

/** Something the user can mend. Its message is one line: what is missing, and how to get it. */
export class SetupError extends Error {}

/** `npm` as the running npm itself, or the one on the path. */
export function npm(args, options) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith('.js') ? run(process.execPath, [cli, ...args], options) : run('npm', args, options);
}

/**
 * Runs a program to its end and gives its standard output.
 *
 * @param options `what` names the step and `mend` says what to try, both for the error; the rest goes to `spawn`
 * @throws SetupError when it cannot be started, runs past `minutes`, or ends with another status than 0
 */
export function run(program, args, { what = program, mend = '', minutes = 15, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8').on('data', text => {
        output[stream] += text;
      });
    }
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill();
    }, minutes * 60_000);
    const fail = reason => {
      clearTimeout(timer);
      reject(new SetupError(`${what}: ${reason}${mend && `; ${mend}`}`));
    };
    child.on('error', error => {
      // A run that is called off is over only when the program is.
      if (error.name !== 'AbortError') fail(error.code === 'ENOENT' ? `${program} is not installed` : error.message);
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (status === 0) resolve(output.stdout);
      else if (late) fail(`not done after ${minutes} minutes`);
      else fail(signal ? `ended by ${signal}` : (telling(output) ?? `status ${status}`));
    });
  });
}

/** The line of a failed program that says why: its first to speak of an error at some length, else its last. */
export function telling({ stdout = '', stderr = '' }) {
  const lines = `${stdout}\n${stderr}`.split('\n').map(line => line.trim());
  const said = lines.filter(line => line && !/^npm (warn|notice)|complete log of this run/i.test(line));
  const line = said.find(text => /error(\W+\w+){4}/i.test(text)) ?? said.at(-1);
  return line?.slice(0, 300);
}
