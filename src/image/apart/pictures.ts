/**
 * Picture files, read and written here or, where the event loop is wanted for other things, large ones in a thread of
 * their own. What of it is done in steps anyway (PNG's filters) stays here.
 */
import { extname } from 'node:path';
import { InputError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import { openBytes } from '../../files/bytes.js';
import { turn } from '../../turns.js';
import { readPicture } from '../decode.js';
import { encodePicture } from '../encode.js';
import { applyOrientation, type Picture } from '../picture.js';
import { pictureFormat } from '../sniff.js';
import { claimedPixels } from './claimedPixels.js';
import { startThread } from './inThread.js';
import type { PictureJob, PictureReply, PictureRequest } from './messages.js';

/** Where picture files come from and go to. */
export interface Pictures {
  /** Reads a picture, turned by its EXIF orientation if it is to be upright. @throws InputError as `readPicture` */
  read(path: string, options: { readonly upright: boolean }): Promise<Picture>;
  /** @throws InputError as `writePicture` */
  write(path: string, picture: Picture): Promise<void>;
}

/** `Pictures.read` in this thread. */
export async function readHere(path: string, { upright }: { readonly upright: boolean }): Promise<Picture> {
  const picture = await readPicture(path);
  return upright ? applyOrientation(picture) : picture;
}

const write = async (path: string, bytes: Promise<Uint8Array>) => writeAtomic(path, await bytes);

/** All in this thread. */
export const picturesHere: Pictures = {
  read: readHere,
  write: (path, picture) => write(path, encodePicture(picture, path)),
};

/** Pixels from which on a picture goes to the thread: some 30 ms of decoding, or of encoding. */
const leastRead = 2 ** 20;
const leastEncoded = 2 ** 18;

/** How much of a file is looked at to tell its size; metadata longer than this is rare in small pictures. */
const headBytes = 2 ** 16;

/** Large pictures in a thread, which starts with the first of them and keeps the process alive only while it works. */
export function picturesApart(): Pictures {
  let thread: PictureThread | undefined;
  const apart = (job: PictureJob) => {
    if (!thread?.isAlive()) thread = openThread();
    return thread.perform(job);
  };
  return {
    async read(path, { upright }) {
      await turn();
      if (claimedBy(path) < leastRead) return readHere(path, { upright });
      return (await apart({ read: path, upright })) as Picture;
    },
    async write(path, picture) {
      const small = picture.width * picture.height < leastEncoded;
      if (small || extname(path).toLowerCase() === '.png') return picturesHere.write(path, picture);
      await write(path, apart({ path, picture }) as Promise<Uint8Array>);
    },
  };
}

/** @throws InputError when the file cannot be read or begins no picture */
function claimedBy(path: string): number {
  const source = openBytes(path);
  try {
    const head = source.read(0, Math.min(source.size, headBytes));
    return claimedPixels(head, pictureFormat(head, path));
  } finally {
    source.close();
  }
}

interface PictureThread {
  isAlive(): boolean;
  perform(job: PictureJob): Promise<Picture | Uint8Array>;
}

interface Waiting {
  resolve(result: Picture | Uint8Array): void;
  reject(error: Error): void;
}

function openThread(): PictureThread {
  const worker = startThread(new URL('./pictureThread.js', import.meta.url));
  const waiting = new Map<number, Waiting>();
  let alive = true;
  let jobs = 0;

  const settle = (id: number, how: (job: Waiting) => void) => {
    const job = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (job) how(job);
  };
  const end = (error: Error) => {
    alive = false;
    for (const id of waiting.keys()) settle(id, ({ reject }) => reject(error));
  };
  worker.unref();
  worker.on('message', (reply: PictureReply) =>
    settle(reply.id, ({ resolve, reject }) => {
      if ('result' in reply) resolve(reply.result);
      else reject(reply.isInput ? new InputError(reply.message) : new Error(reply.message));
    }),
  );
  worker.on('error', error => end(new Error(`pictures: the thread for large ones broke down: ${error.message}`)));
  worker.on('exit', () => end(new Error('pictures: the thread for large ones has ended')));
  return {
    isAlive: () => alive,
    perform: job =>
      new Promise((resolve, reject) => {
        const id = jobs++;
        waiting.set(id, { resolve, reject });
        worker.ref();
        worker.postMessage({ id, job } satisfies PictureRequest);
      }),
  };
}
