import { library } from '../../tsup.base'

// Shims: CommonJS has no import.meta.url.
export default library({ shims: true })
