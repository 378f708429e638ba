/** How patient the parts of a queue are with each other, in milliseconds. */
export interface QueueTimes {
  /** Until a server that does not answer counts as unreachable, before the first connection. */
  readonly connect: number;
  /** Between looks for results and for runs. */
  readonly poll: number;
  /** Between a coordinator's signs of life. */
  readonly beat: number;
  /** After its last sign of life, until a coordinator counts as gone. */
  readonly lease: number;
  /** After its coordinator's last sign of life, until a run and its results are forgotten. */
  readonly kept: number;
  /** After a worker's last sign of life, until its shard may be another's; it renews it four times as often. */
  readonly lock: number;
  /** Between looks for shards whose worker shows no sign of life. */
  readonly stalled: number;
  /** Before a failed shard's second attempt; twice as long before each further one. */
  readonly backoff: number;
}

export const queueTimes: QueueTimes = {
  connect: 5000,
  poll: 500,
  beat: 3000,
  lease: 10_000,
  kept: 7 * 24 * 3_600_000,
  lock: 20_000,
  stalled: 5000,
  backoff: 1000,
};
