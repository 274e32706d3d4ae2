// All GraphQL queries of the page.

const RUN_IN_LIST = `
  id name state state_message state_timestamp scheduled_start_time state_start_time start_time end_time auto_scheduled labels parameters`;

const RUN_AS_TICK = "id name state state_timestamp start_time end_time";

const FLOW_FIELDS = `
  id name version description created archived is_schedule_active schedule parameters run_config
  flow_group_id
  project { name }
  flow_group { schedule labels run_config default_parameters }`;

const AGENT_FIELDS = "id name type labels last_queried core_version created";

export const AGENTS = `query { agent(order_by: {last_queried: desc_nulls_last}, limit: 50) { ${AGENT_FIELDS} } }`;

export const FLOWS = `query {
  flow(where: {archived: {_eq: false}}, order_by: {name: asc}) {
    ${FLOW_FIELDS}
    next: flow_runs(where: {state: {_eq: "Scheduled"}, auto_scheduled: {_eq: true}}, order_by: {scheduled_start_time: asc}, limit: 1) {
      scheduled_start_time
    }
    flow_group {
      flows(order_by: {version: desc}, limit: 20) {
        id
        flow_runs(where: {state: {_neq: "Scheduled"}}, order_by: {state_timestamp: desc}, limit: 14) { ${RUN_AS_TICK} }
      }
    }
  }
  recent: flow_run(where: {_not: {state: {_eq: "Scheduled"}, auto_scheduled: {_eq: true}}}, order_by: {state_timestamp: desc_nulls_last}, limit: 15) {
    ${RUN_IN_LIST}
    flow { name flow_group_id }
  }
  agent(order_by: {last_queried: desc_nulls_last}, limit: 50) { ${AGENT_FIELDS} }
}`;

/** A flow, by the id of its flow group or of one of its versions. */
export const FLOW = `query($id: uuid!) {
  flow(where: {_or: [{flow_group_id: {_eq: $id}}, {flow_group: {flows: {id: {_eq: $id}}}}]}, order_by: [{version: desc}], limit: 1) {
    ${FLOW_FIELDS}
    next: flow_runs(where: {state: {_eq: "Scheduled"}, auto_scheduled: {_eq: true}}, order_by: {scheduled_start_time: asc}, limit: 5) {
      id scheduled_start_time labels parameters
    }
    flow_group { flows(order_by: {version: desc}, limit: 30) { id version created } }
  }
  agent(order_by: {last_queried: desc_nulls_last}, limit: 50) { ${AGENT_FIELDS} }
}`;

export const FLOW_RUNS = `query($group: uuid!, $limit: Int!) {
  flow_run(
    where: {flow: {flow_group_id: {_eq: $group}}, _not: {state: {_eq: "Scheduled"}, auto_scheduled: {_eq: true}}}
    order_by: {scheduled_start_time: desc}, limit: $limit
  ) { ${RUN_IN_LIST} flow { version } }
}`;

export const STRUCTURE = `query($id: uuid!) {
  flow_by_pk(id: $id) {
    tasks { id name slug type }
    edges { upstream_task_id downstream_task_id mapped }
  }
}`;

export const RUN = `query($id: uuid!) {
  flow_run_by_pk(id: $id) {
    ${RUN_IN_LIST}
    version context times_resurrected
    agent { name }
    flow { id name version archived flow_group_id parameters project { name } }
    task_runs { id name task_id map_index version state state_message state_timestamp start_time end_time }
    states(order_by: {version: asc}) { id version timestamp state message }
  }
  agent(order_by: {last_queried: desc_nulls_last}, limit: 50) { ${AGENT_FIELDS} }
}`;

export const TASK_STATES = `query($id: uuid!, $since: timestamptz!) {
  task_run_state(where: {task_run: {flow_run_id: {_eq: $id}}, timestamp: {_gte: $since}}, order_by: [{timestamp: asc}, {version: asc}]) {
    id task_run_id timestamp version state message
  }
}`;

export const LOGS = `query($where: log_bool_exp!, $order: [log_order_by!], $offset: Int!, $limit: Int!) {
  log(where: $where, order_by: $order, offset: $offset, limit: $limit) {
    id created timestamp name level message task_run_id
  }
}`;

export const LOG_TOTAL = `query($where: log_bool_exp!) { log_aggregate(where: $where) { aggregate { count max { created } } } }`;

export const ARTIFACTS = `query($where: task_run_artifact_bool_exp!, $limit: Int!, $offset: Int!) {
  task_run_artifact(where: $where, order_by: [{created: asc}, {id: asc}], limit: $limit, offset: $offset) {
    id task_run_id kind data created
  }
}`;

export const RUNS = `query($where: flow_run_bool_exp!, $order: [flow_run_order_by!], $limit: Int!, $offset: Int!) {
  flow_run(where: $where, order_by: $order, limit: $limit, offset: $offset) {
    ${RUN_IN_LIST}
    flow { name flow_group_id }
  }
  flow_run_aggregate(where: $where) { aggregate { count } }
}`;

export const FLOW_NAMES = `query { flow(where: {archived: {_eq: false}}, order_by: {name: asc}) { name flow_group_id } }`;

const RUN_IN_OVERVIEW = "id name state_timestamp state_start_time flow { name }";

export const OVERVIEW = `query($failed: flow_run_bool_exp!, $late: flow_run_bool_exp!, $running: flow_run_bool_exp!, $next: flow_run_bool_exp!) {
  failed: flow_run(where: $failed, order_by: {state_timestamp: desc}, limit: 1) { ${RUN_IN_OVERVIEW} }
  failedCount: flow_run_aggregate(where: $failed) { aggregate { count } }
  late: flow_run(where: $late, order_by: {state_start_time: asc}, limit: 1) { ${RUN_IN_OVERVIEW} }
  lateCount: flow_run_aggregate(where: $late) { aggregate { count } }
  runningCount: flow_run_aggregate(where: $running) { aggregate { count } }
  next: flow_run(where: $next, order_by: {state_start_time: asc}, limit: 1) { ${RUN_IN_OVERVIEW} }
}`;

export const LIVE_VERSION = `query($group: uuid!) {
  flow(where: {flow_group_id: {_eq: $group}, archived: {_eq: false}}, order_by: {version: desc}, limit: 1) { ${FLOW_FIELDS} }
}`;
