import { library } from '../../tsup.base'

// tfjs-core refuses deep imports in Node (ES modules in a CommonJS package): its gradients are bundled.
export default library({ noExternal: [/tfjs-core\/dist\/register_all_gradients/] })
