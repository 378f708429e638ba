/** Statistics of each channel over many tokens, of which only sums are kept. */

/** What one channel holds. */
export interface Channel {
  readonly channel: number;
  /** Over all tokens. */
  readonly mean: number;
  /** Of largest magnitude among all tokens, with its sign. */
  readonly largest: number;
  /** Of all that the tokens' squares add up to, 0 to 1. */
  readonly share: number;
}

/** What one window says of each channel, `[width]` each; see `gauges.channels`. */
export interface ChannelParts {
  readonly sum: ArrayLike<number>;
  readonly squares: ArrayLike<number>;
  readonly highest: ArrayLike<number>;
  readonly lowest: ArrayLike<number>;
}

/** Sums over windows. */
export interface ChannelSums {
  /** @param patches that the parts were summed over */
  add(parts: ChannelParts, patches: number): void;
  /** In the channels' own order. */
  channels(): Channel[];
}

/** Sums of nothing yet. */
export function openChannels(width: number): ChannelSums {
  const [sums, squares, largest] = [new Float64Array(width), new Float64Array(width), new Float64Array(width)];
  let tokens = 0;
  return {
    add(parts, patches) {
      tokens += patches;
      for (let c = 0; c < width; c++) {
        sums[c]! += parts.sum[c]!;
        squares[c]! += parts.squares[c]!;
        for (const value of [parts.highest[c]!, parts.lowest[c]!]) {
          if (Math.abs(value) > Math.abs(largest[c]!)) largest[c] = value;
        }
      }
    },
    channels() {
      const all = squares.reduce((a, b) => a + b, 0);
      return Array.from(sums, (sum, channel) => ({
        channel,
        mean: sum / tokens,
        largest: largest[channel]!,
        share: squares[channel]! / all,
      }));
    },
  };
}
