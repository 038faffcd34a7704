import type { Program } from '@tfx/backend'
import {
  type FurtherParameters,
  shapesOf,
  type StepProgram,
  withFurther,
} from '../adapters/further-parameters'

/** Programs that are compiled when they are first needed, and freed together. */
export interface ProgramMemory {
  /**
   * A program with the values of its further parameters. Those whose parameters have the same shapes share one.
   *
   * @param compile Called once for a name and shapes.
   */
  once(name: string, further: FurtherParameters, compile: CompileForShapes): Promise<StepProgram>
  dispose(): Promise<void>
}

/** Compiles a program whose runs bring parameters of these shapes. */
export type CompileForShapes = (shapes: Readonly<Record<string, readonly number[]>>) => Promise<Program>

/** An empty {@link ProgramMemory}. */
export function programMemory(): ProgramMemory {
  const programs = new Map<string, Promise<Program>>()
  return {
    async once(name, further, compile) {
      const shapes = shapesOf(further)
      const key = JSON.stringify([name, shapes])
      const program = programs.get(key) ?? compile(shapes)
      programs.set(key, program)
      try {
        return withFurther(await program, further)
      } catch (error) {
        // The next call may compile it, and there is nothing to free.
        programs.delete(key)
        throw error
      }
    },
    async dispose() {
      const compiled = [...programs.values()]
      programs.clear()
      for (const program of compiled) await (await program).dispose()
    },
  }
}
