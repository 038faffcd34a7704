/** A number for people, by default with four significant digits: `0.3142`, `12,345`, `2.5e-5`. */
export function formatNumber(value: number, digits = 4): string {
  const size = Math.abs(value)
  if (Number.isInteger(value) && size < 1e15) return value.toLocaleString('en')
  if (size < 1e-3 || size >= 1e6) return value.toExponential(digits - 1).replace(/\.?0*e/, 'e')
  return String(Number(value.toPrecision(digits)))
}

/** A share for people: `12.5 %`. */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

/** A time for people: `850 ms`, `12.3 s`, `4 min 05 s`, `2 h 07 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 1) return `${Math.round(1000 * seconds)} ms`
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const [large, small, names] =
    seconds < 3600
      ? [seconds / 60, seconds % 60, ['min', 's']]
      : [seconds / 3600, (seconds / 60) % 60, ['h', 'min']]
  return `${Math.floor(large)} ${names[0]} ${String(Math.floor(small)).padStart(2, '0')} ${names[1]}`
}
