import { existsSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { engineReport } from '@tfx/backend'
import type { AddCommand } from '../run-cli'

/** What `tfx doctor` looks at. */
interface Finding {
  readonly name: string
  readonly value: string
}

/** `tfx doctor` */
export const addDoctor: AddCommand = (program, { stdout }) =>
  void program
    .command('doctor')
    .description('says what there is to compute with, and where models come from')
    .option('--json', 'print JSON')
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const findings = machine()
      if (!json) stdout.write(lines(findings))
      // What does not work is an error with its reasons.
      const { chosen, candidates } = await engineReport()
      const engines = candidates.map(({ name, usable, reason }) => ({
        name,
        value: `${usable ? 'works' : 'not here'}: ${reason}`,
      }))
      if (!json) return void stdout.write(lines([...engines, { name: 'engine in use', value: chosen }]))
      const found = Object.fromEntries(findings.map(({ name, value }) => [name, value]))
      stdout.write(`${JSON.stringify({ ...found, engine: chosen, candidates })}\n`)
    })

function machine(): Finding[] {
  const { TFX_CACHE, HF_ENDPOINT = 'https://huggingface.co', HF_HUB_OFFLINE = '0', HF_TOKEN } = process.env
  const cache = TFX_CACHE ?? '~/.cache/tfx'
  return [
    { name: 'node', value: process.version },
    { name: 'platform', value: `${process.platform} ${process.arch}` },
    { name: 'cores', value: String(availableParallelism()) },
    { name: 'memory', value: `${(totalmem() / 2 ** 30).toFixed(1)} GiB` },
    {
      name: 'cache',
      value: TFX_CACHE !== undefined && !existsSync(TFX_CACHE) ? `${cache} (not there yet)` : cache,
    },
    { name: 'hub', value: HF_HUB_OFFLINE === '1' ? 'not asked (HF_HUB_OFFLINE)' : HF_ENDPOINT },
    { name: 'hub token', value: HF_TOKEN === undefined ? 'none' : 'set' },
  ]
}

const lines = (findings: readonly Finding[]) =>
  findings.map(({ name, value }) => `${name.padEnd(28)}${value}\n`).join('')
