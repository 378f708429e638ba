/** What evaluation keeps of an image: whole numbers, from which every table can be made again. */

/** How an image's pixels were labelled by one method. */
export interface ImageCounts {
  /** `truth, predicted, pixels` for each pair of classes that occurs, in rising order; one flat list. */
  readonly pairs: readonly number[];
  /** `class, intersection, union` of boundary regions for each class that is there or was predicted; one flat list. */
  readonly boundary: readonly number[];
}

/** One image's results. */
export interface ImageRecord {
  readonly id: string;
  readonly height: number;
  readonly width: number;
  /** By method, in the plan's order; none where the image could not be evaluated. */
  readonly methods: readonly ImageCounts[];
  /** Why it could not be evaluated: one line. */
  readonly failure?: string;
}

/** The images of one shard, in the data set's order. */
export interface ShardResult {
  readonly shard: number;
  readonly images: readonly ImageRecord[];
}
