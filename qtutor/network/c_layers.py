"""The layers of an integer-only network as C99 functions: one text for each kind, $X $W $Y the types in and out.

Nothing here relies on what C leaves to the compiler: a negative number is never shifted, and no sum leaves its type,
since the accumulators' range is known from the weights.
"""

ROUNDINGS = {
    "floor": """
/* floor(v / 2^shift). What v >> shift gives for v < 0, C leaves to the compiler: -1 - v is 0 or more, and is shifted instead. */
static inline int64_t qtutor_floor(int64_t v, int shift) {
  return v >= 0 ? v >> shift : -1 - ((-1 - v) >> shift);
}
""",
    "ceil": """
static inline int64_t qtutor_ceil(int64_t v, int shift) { return -qtutor_floor(-v, shift); }
""",
    "toward_zero": """
static inline int64_t qtutor_toward_zero(int64_t v, int shift) { return v / ((int64_t)1 << shift); }
""",
    "half_even": """
/* v / 2^shift, rounded once to the nearest, ties to the even. */
static inline int64_t qtutor_half_even(int64_t v, int shift) {
  const int64_t one = (int64_t)1 << shift, below = qtutor_floor(v, shift);
  const int64_t twice = 2 * (v - below * one); /* shift <= 62: at most 2^63 - 2 */
  return below + (twice > one || (twice == one && below % 2 != 0));
}
""",
}

LAYERS = {
    "linear": """
/* y[o] = bias[o] + sum of (x[i] - x_zero)(weight[o][i] - w_zero) */
static inline void qtutor_linear_$TYPES(const $X *x, $Y *y, const $W *weight, const int32_t *bias, int inputs, int outputs,
                                        int32_t x_zero, int32_t w_zero) {
  for (int o = 0; o < outputs; o++) {
    $Y sum = bias ? bias[o] : 0;
    for (int i = 0; i < inputs; i++) sum += ($Y)(x[i] - x_zero) * ($Y)(weight[o * inputs + i] - w_zero);
    y[o] = sum;
  }
}
""",
    "conv2d": """
/* x [in * groups][height][width], weight [outputs][in][kh][kw]; beyond the border there is real zero, whose product is 0. */
static inline void qtutor_conv2d_$TYPES(const $X *x, $Y *y, const $W *weight, const int32_t *bias, int in, int height,
                                        int width, int outputs, int out_height, int out_width, int kh, int kw, int sh,
                                        int sw, int ph, int pw, int groups, int32_t x_zero, int32_t w_zero) {
  for (int o = 0; o < outputs; o++)
    for (int r = 0; r < out_height; r++)
      for (int c = 0; c < out_width; c++) {
        const $X *own = x + o / (outputs / groups) * in * height * width;
        $Y sum = bias ? bias[o] : 0;
        for (int i = 0; i < in; i++)
          for (int a = 0; a < kh; a++)
            for (int b = 0; b < kw; b++) {
              const int row = r * sh - ph + a, column = c * sw - pw + b;
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              sum += ($Y)(own[(i * height + row) * width + column] - x_zero) *
                     ($Y)(weight[((o * in + i) * kh + a) * kw + b] - w_zero);
            }
        y[(o * out_height + r) * out_width + c] = sum;
      }
}
""",
    "sum_pool": """
static inline void qtutor_sum_pool_$TYPES(const $X *x, $Y *y, int channels, int height, int width, int out_height,
                                          int out_width, int kh, int kw, int sh, int sw) {
  for (int i = 0; i < channels; i++)
    for (int r = 0; r < out_height; r++)
      for (int c = 0; c < out_width; c++) {
        $Y sum = 0;
        for (int a = 0; a < kh; a++)
          for (int b = 0; b < kw; b++) sum += x[(i * height + r * sh + a) * width + c * sw + b];
        y[(i * out_height + r) * out_width + c] = sum;
      }
}
""",
    "max_pool": """
static inline void qtutor_max_pool_$TYPES(const $X *x, $Y *y, int channels, int height, int width, int out_height,
                                          int out_width, int kh, int kw, int sh, int sw, int ph, int pw, $X lowest) {
  for (int i = 0; i < channels; i++)
    for (int r = 0; r < out_height; r++)
      for (int c = 0; c < out_width; c++) {
        $Y largest = lowest;
        for (int a = 0; a < kh; a++)
          for (int b = 0; b < kw; b++) {
            const int row = r * sh - ph + a, column = c * sw - pw + b;
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            if (x[(i * height + row) * width + column] > largest) largest = x[(i * height + row) * width + column];
          }
        y[(i * out_height + r) * out_width + c] = largest;
      }
}
""",
    "add": """
static inline void qtutor_add_$TYPES(const $X *a, const $W *b, $Y *y, int size) {
  for (int i = 0; i < size; i++) y[i] = ($Y)a[i] + ($Y)b[i];
}
""",
    "repeating_add": """
/* Sizes of 1 are repeated: there a step of a or b, from one channel, row or column to the next, is 0. */
static inline void qtutor_repeating_add_$TYPES(const $X *a, const $W *b, $Y *y, int channels, int height, int width,
                                               int a_channel, int a_row, int a_column, int b_channel, int b_row,
                                               int b_column) {
  for (int i = 0; i < channels; i++)
    for (int r = 0; r < height; r++)
      for (int c = 0; c < width; c++)
        *y++ = ($Y)a[i * a_channel + r * a_row + c * a_column] + ($Y)b[i * b_channel + r * b_row + c * b_column];
}
""",
    "flatten": """
/* [channels][height][width] is one row already: the same integers in the same order. */
static inline void qtutor_flatten_$TYPES(const $X *x, $Y *y, int size) { memcpy(y, x, (size_t)size * sizeof *x); }
""",
    "requantize": """
/* (x * mantissa + offset) / 2^shift, rounded once, stopped at low and high; each is 0 where all channels share one. */
static inline void qtutor_requantize_${ROUNDING}_$TYPES(const $X *x, $Y *y, const int32_t *mantissa, const int64_t *offset,
                                                      int each, int channels, int size, int shift, $Y low, $Y high) {
  for (int c = 0; c < channels; c++)
    for (int i = 0; i < size; i++) {
      const int64_t wide = (int64_t)x[c * size + i] * mantissa[c * each] + offset[c * each];
      const int64_t steps = qtutor_$ROUNDING(wide, shift);
      y[c * size + i] = ($Y)(steps < low ? low : steps > high ? high : steps);
    }
}
""",
    "sign": """
/* +1 where x * mantissa + offset is 0 or more, else -1 */
static inline void qtutor_sign_$TYPES(const $X *x, $Y *y, const int32_t *mantissa, const int64_t *offset, int each,
                                      int channels, int size) {
  for (int c = 0; c < channels; c++)
    for (int i = 0; i < size; i++) y[c * size + i] = (int64_t)x[c * size + i] * mantissa[c * each] + offset[c * each] < 0 ? -1 : 1;
}
""",
    "thresholds": """
/* low + step * how many thresholds of its channel direction * x has reached, by halving */
static inline void qtutor_thresholds_$TYPES(const $X *x, $Y *y, const $W *thresholds, const int8_t *direction, int each,
                                            int each_direction, int levels, int channels, int size, int low, int step) {
  for (int c = 0; c < channels; c++)
    for (int i = 0; i < size; i++) {
      const int64_t turned = (int64_t)x[c * size + i] * direction[c * each_direction];
      int from = 0, to = levels;
      while (from < to) {
        const int middle = (from + to) / 2;
        if (thresholds[c * each * levels + middle] <= turned) from = middle + 1;
        else to = middle;
      }
      y[c * size + i] = ($Y)(low + step * from);
    }
}
""",
    "scores": """
static inline void qtutor_scores_$TYPES(const $X *x, $Y *y, const int32_t *mantissa, const int64_t *offset, int each,
                                        int channels, int size) {
  for (int c = 0; c < channels; c++)
    for (int i = 0; i < size; i++)
      y[c * size + i] = (int64_t)x[c * size + i] * mantissa[c * each] + offset[c * each];
}
""",
}
