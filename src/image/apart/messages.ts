/** What the thread of `pictures.ts` and its starter say to each other. */
import type { Picture } from '../picture.js';

/** A picture to be read, or one to be encoded in the format that the name of `path` ends in. */
export type PictureJob =
  | { readonly read: string; readonly upright: boolean }
  | { readonly path: string; readonly picture: Picture };

export interface PictureRequest {
  readonly id: number;
  readonly job: PictureJob;
}

/** The picture that was read, the bytes of the one that was encoded, or what went wrong. */
export type PictureReply = { readonly id: number } & (
  | { readonly result: Picture | Uint8Array }
  | { readonly message: string; readonly isInput: boolean }
);
