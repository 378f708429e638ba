/** What the server has for the page: where, and of which content. */

/** Where the page asks for the offer. */
export const offerPath = '/lab.json';

/** The folder of ONNX Runtime's `.wasm` and `.mjs` files: `wasmPaths` of whatever computes in the page. */
export const runtimePath = '/ort/';

/** The frame that user code runs in, see `server/sandboxFrame.ts`. */
export const sandboxPath = '/sandbox.html';

export interface OfferedFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A picture, and class names that suit it, as on the command line. */
export interface OfferedExample extends OfferedFile {
  readonly classes?: string;
}

export interface Offer {
  /** The files that `loadClipFiles` takes, and what to call the model. */
  readonly model: { readonly name: string; readonly files: readonly OfferedFile[] };
  /** CLIP's list of merges, packed by gzip. */
  readonly vocabulary: OfferedFile;
  /** Whether that model is the package's own, which commands use when nothing else is said. */
  readonly embedded?: boolean;
  /** Pictures to start with. */
  readonly examples: readonly OfferedExample[];
  /** Whether ONNX Runtime for graphics processors is among the runtime's files. */
  readonly webgpu: boolean;
}
