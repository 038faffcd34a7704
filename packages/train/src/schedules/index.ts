export type { Schedule } from './schedule'
export * from './warmup-schedules'
export * from './decay-schedules'
export * from './cyclic-schedules'
export * from './reduce-on-plateau'
export {
  type NamedSchedule,
  scheduleByName,
  type ScheduledRun,
  type ScheduleName,
  scheduleNames,
} from './by-name'
