// What optimizers do to whole matrices in WebAssembly memory (AssemblyScript): Adafactor's factored second
// moment, and the products of Muon's Newton-Schulz iteration. Matrices are row-major float32.

/** Moves Adafactor's averages of (scale * gradient)² + epsilon over each row and over each column. */
export function factorMoments(
  gradient: usize,
  rowAverage: usize,
  columnAverage: usize,
  rows: i32,
  columns: i32,
  scale: f32,
  epsilon: f32,
  keep: f32,
  rate: f32,
): void {
  const scales = f32x4.splat(scale)
  const epsilons = f32x4.splat(epsilon)
  const columnRate = rate / (rows as f32)
  const columnRates = f32x4.splat(columnRate)
  const end = (columns as usize) << 2
  const vectorEnd = end & ~15
  for (let i: usize = 0; i < end; i += 4) store<f32>(columnAverage + i, load<f32>(columnAverage + i) * keep)
  for (let row: i32 = 0; row < rows; row++) {
    const start = gradient + (row as usize) * end
    let sums = f32x4.splat(0)
    let i: usize = 0
    for (; i < vectorEnd; i += 16) {
      const g = f32x4.mul(v128.load(start + i), scales)
      const square = f32x4.add(f32x4.mul(g, g), epsilons)
      sums = f32x4.add(sums, square)
      const average = v128.load(columnAverage + i)
      v128.store(columnAverage + i, f32x4.add(average, f32x4.mul(square, columnRates)))
    }
    let sum =
      f32x4.extract_lane(sums, 0) +
      f32x4.extract_lane(sums, 1) +
      f32x4.extract_lane(sums, 2) +
      f32x4.extract_lane(sums, 3)
    for (; i < end; i += 4) {
      const g = load<f32>(start + i) * scale
      const square = g * g + epsilon
      sum += square
      store<f32>(columnAverage + i, load<f32>(columnAverage + i) + square * columnRate)
    }
    const place = rowAverage + ((row as usize) << 2)
    store<f32>(place, load<f32>(place) * keep + (sum / (columns as f32)) * rate)
  }
}

/** The mean of an array, summed in float64. */
export function mean(source: usize, length: i32): f32 {
  let sum: f64 = 0
  const end = (length as usize) << 2
  for (let i: usize = 0; i < end; i += 4) sum += load<f32>(source + i) as f64
  return (sum / (length as f64)) as f32
}

/** sqrt(rowMean / row), where the quotient may be too large for float32: a row without a gradient has 1e-30. */
function rowFactor(rowMean: f32, rowAverage: usize, row: i32): f32 {
  return sqrt<f32>(rowMean) / sqrt<f32>(load<f32>(rowAverage + ((row as usize) << 2)))
}

/** The sum of squares of Adafactor's update, scale * gradient * sqrt(rowMean / row) / sqrt(column). */
export function factoredSquares(
  gradient: usize,
  rowAverage: usize,
  columnAverage: usize,
  rows: i32,
  columns: i32,
  scale: f32,
  rowMean: f32,
): f64 {
  const end = (columns as usize) << 2
  const vectorEnd = end & ~15
  let total: f64 = 0
  for (let row: i32 = 0; row < rows; row++) {
    const start = gradient + (row as usize) * end
    // Multiplied in before squaring, which a small gradient alone would not survive.
    const factor = scale * rowFactor(rowMean, rowAverage, row)
    const factors = f32x4.splat(factor)
    let sums = f32x4.splat(0)
    let i: usize = 0
    for (; i < vectorEnd; i += 16) {
      const g = f32x4.mul(v128.load(start + i), factors)
      sums = f32x4.add(sums, f32x4.div(f32x4.mul(g, g), v128.load(columnAverage + i)))
    }
    let sum =
      (f32x4.extract_lane(sums, 0) as f64) +
      f32x4.extract_lane(sums, 1) +
      f32x4.extract_lane(sums, 2) +
      f32x4.extract_lane(sums, 3)
    for (; i < end; i += 4) {
      const g = load<f32>(start + i) * factor
      sum += (g * g) / load<f32>(columnAverage + i)
    }
    total += sum
  }
  return total
}

/** Takes Adafactor's step; `expAvg` of 0 says that there is no first moment. */
export function applyFactored(
  value: usize,
  gradient: usize,
  rowAverage: usize,
  columnAverage: usize,
  expAvg: usize,
  rows: i32,
  columns: i32,
  rowMean: f32,
  keep: f32,
  stepSize: f32,
  beta1: f32,
  oneMinusBeta1: f32,
): void {
  const end = (columns as usize) << 2
  const vectorEnd = end & ~15
  const keeps = f32x4.splat(keep)
  const firstKeep = f32x4.splat(beta1)
  const firstRate = f32x4.splat(oneMinusBeta1)
  for (let row: i32 = 0; row < rows; row++) {
    const offset = (row as usize) * end
    const factor = stepSize * rowFactor(rowMean, rowAverage, row)
    const factors = f32x4.splat(factor)
    let i: usize = 0
    for (; i < vectorEnd; i += 16) {
      const g = f32x4.mul(v128.load(gradient + offset + i), factors)
      let step = f32x4.div(g, f32x4.sqrt(v128.load(columnAverage + i)))
      if (expAvg != 0) {
        const first = v128.load(expAvg + offset + i)
        step = f32x4.add(f32x4.mul(first, firstKeep), f32x4.mul(step, firstRate))
        v128.store(expAvg + offset + i, step)
      }
      const kept = f32x4.mul(v128.load(value + offset + i), keeps)
      v128.store(value + offset + i, f32x4.sub(kept, step))
    }
    for (; i < end; i += 4) {
      let step = (load<f32>(gradient + offset + i) * factor) / sqrt<f32>(load<f32>(columnAverage + i))
      if (expAvg != 0) {
        step = load<f32>(expAvg + offset + i) * beta1 + step * oneMinusBeta1
        store<f32>(expAvg + offset + i, step)
      }
      store<f32>(value + offset + i, load<f32>(value + offset + i) * keep - step)
    }
  }
}

/** target += scale * left · right, for (rows, inner) · (inner, columns); rows and columns multiples of 4 and 8. */
export function addMatMul(
  target: usize,
  left: usize,
  right: usize,
  rows: i32,
  inner: i32,
  columns: i32,
  scale: f32,
): void {
  const width = (columns as usize) << 2
  const depth = (inner as usize) << 2
  const scales = f32x4.splat(scale)
  for (let column: usize = 0; column < width; column += 32) {
    for (let row: usize = 0; row < (rows as usize); row += 4) {
      let a0 = f32x4.splat(0)
      let a1 = f32x4.splat(0)
      let b0 = f32x4.splat(0)
      let b1 = f32x4.splat(0)
      let c0 = f32x4.splat(0)
      let c1 = f32x4.splat(0)
      let d0 = f32x4.splat(0)
      let d1 = f32x4.splat(0)
      let l = left + row * depth
      let r = right + column
      const stop = l + depth
      for (; l < stop; l += 4, r += width) {
        const r0 = v128.load(r)
        const r1 = v128.load(r, 16)
        const a = v128.load32_splat(l)
        a0 = f32x4.add(a0, f32x4.mul(a, r0))
        a1 = f32x4.add(a1, f32x4.mul(a, r1))
        const b = v128.load32_splat(l + depth)
        b0 = f32x4.add(b0, f32x4.mul(b, r0))
        b1 = f32x4.add(b1, f32x4.mul(b, r1))
        const c = v128.load32_splat(l + 2 * depth)
        c0 = f32x4.add(c0, f32x4.mul(c, r0))
        c1 = f32x4.add(c1, f32x4.mul(c, r1))
        const d = v128.load32_splat(l + 3 * depth)
        d0 = f32x4.add(d0, f32x4.mul(d, r0))
        d1 = f32x4.add(d1, f32x4.mul(d, r1))
      }
      const t = target + row * width + column
      addTo(t, a0, a1, scales)
      addTo(t + width, b0, b1, scales)
      addTo(t + 2 * width, c0, c1, scales)
      addTo(t + 3 * width, d0, d1, scales)
    }
  }
}

function addTo(target: usize, low: v128, high: v128, scales: v128): void {
  v128.store(target, f32x4.add(v128.load(target), f32x4.mul(low, scales)))
  v128.store(target, f32x4.add(v128.load(target, 16), f32x4.mul(high, scales)), 16)
}

/** target (columns, rows) = source (rows, columns), transposed. */
export function transpose(target: usize, source: usize, rows: i32, columns: i32): void {
  for (let row: i32 = 0; row < rows; row++) {
    for (let column: i32 = 0; column < columns; column++) {
      const element = load<f32>(source + (((row * columns + column) as usize) << 2))
      store<f32>(target + (((column * rows + row) as usize) << 2), element)
    }
  }
}
