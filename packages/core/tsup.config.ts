import { library } from '../../tsup.base'

// `import.meta.url` in CommonJS.
export default library({ shims: true })
