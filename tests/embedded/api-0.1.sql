BEGIN TRANSACTION;
CREATE TABLE agent (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36) NOT NULL, 
	agent_config_id VARCHAR(36), 
	name TEXT, 
	type TEXT, 
	core_version TEXT, 
	labels TEXT NOT NULL, 
	last_queried BIGINT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(agent_config_id) REFERENCES agent_config (id) ON DELETE SET NULL, 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
INSERT INTO "agent" VALUES('90ff5b03-1adb-46b7-8f59-54cae5877b4b',1795655100767216,1795655100767216,'d7fe0542-bcb8-45b7-b75a-373e15cf2726',NULL,'agent','LocalAgent',NULL,'["here"]',NULL);
CREATE TABLE agent_config (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36) NOT NULL, 
	name TEXT, 
	settings TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE edge (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36), 
	flow_id VARCHAR(36) NOT NULL, 
	upstream_task_id VARCHAR(36) NOT NULL, 
	downstream_task_id VARCHAR(36) NOT NULL, 
	"key" TEXT, 
	mapped BOOLEAN NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(downstream_task_id) REFERENCES task (id) ON DELETE CASCADE, 
	FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE, 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE, 
	FOREIGN KEY(upstream_task_id) REFERENCES task (id) ON DELETE CASCADE, 
	CONSTRAINT edge_flow_id_task_ids_key UNIQUE (flow_id, upstream_task_id, downstream_task_id, "key")
);
INSERT INTO "edge" VALUES('9bef9b4e-5d16-4443-80f2-0294f085f4d9',1795655100667876,1795655100667876,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','ef78a255-b0ea-45a7-8955-8ea49b63076b','d7b093c3-88c9-4adf-b29a-ba7d5cd28fd0','942d4898-b388-4003-ab3c-cb7d68b17c48',NULL,0);
INSERT INTO "edge" VALUES('5f4d88fb-34cb-452f-9c2b-fe58cc2a10ff',1795655100667876,1795655100667876,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','ef78a255-b0ea-45a7-8955-8ea49b63076b','942d4898-b388-4003-ab3c-cb7d68b17c48','5289a93f-d2f8-4b30-a27c-52cea6fce67d',NULL,0);
INSERT INTO "edge" VALUES('356f966c-772e-4ceb-a385-64398cabdb8e',1795655100688639,1795655100688639,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','31b710c5-22f2-46ea-89d5-a0ca0cd3dd5a','193582b7-d8c9-4f58-8e83-01d38528f2a4','96989c6a-0ffc-469c-ac30-fe11b63a6b3f',NULL,0);
INSERT INTO "edge" VALUES('f8229018-0d72-4331-baed-7eba510f842a',1795655100688639,1795655100688639,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','31b710c5-22f2-46ea-89d5-a0ca0cd3dd5a','96989c6a-0ffc-469c-ac30-fe11b63a6b3f','206532c2-e694-40b6-9200-044903d27b80',NULL,0);
CREATE TABLE flow (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36), 
	project_id VARCHAR(36) NOT NULL, 
	flow_group_id VARCHAR(36) NOT NULL, 
	name TEXT NOT NULL, 
	description TEXT, 
	version INTEGER, 
	version_group_id TEXT, 
	core_version TEXT, 
	archived BOOLEAN NOT NULL, 
	is_schedule_active BOOLEAN NOT NULL, 
	environment TEXT, 
	parameters TEXT, 
	run_config TEXT, 
	schedule TEXT, 
	serialized_flow TEXT, 
	settings TEXT NOT NULL, 
	storage TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(flow_group_id) REFERENCES flow_group (id) ON DELETE CASCADE, 
	FOREIGN KEY(project_id) REFERENCES project (id) ON DELETE CASCADE, 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
INSERT INTO "flow" VALUES('ef78a255-b0ea-45a7-8955-8ea49b63076b',1795655100667876,1795655100688639,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','8a9f0ecf-06f2-451d-9075-77b45485134d','0d219e64-df2f-4fc5-aa3b-b0620f3f7650','flow',NULL,1,'4d8793e0-4c02-48bf-b0af-c7043246ff17','1.1.0',1,0,NULL,'[]','{"labels":["here"],"type":"LocalRun"}',NULL,'{"__version__":"1.1.0","edges":[{"downstream_task":{"slug":"b"},"mapped":false,"upstream_task":{"slug":"a"}},{"downstream_task":{"slug":"c"},"mapped":false,"upstream_task":{"slug":"b"}}],"name":"flow","parameters":[],"run_config":{"labels":["here"],"type":"LocalRun"},"tasks":[{"max_retries":0,"name":"a","slug":"a","tags":[],"trigger":{"fn":"prefect.triggers.all_successful","kwargs":{}},"type":"T"},{"max_retries":0,"name":"b","slug":"b","tags":[],"trigger":{"fn":"prefect.triggers.all_successful","kwargs":{}},"type":"T"},{"max_retries":0,"name":"c","slug":"c","tags":[],"trigger":{"fn":"prefect.triggers.all_successful","kwargs":{}},"type":"T"}]}','{}',NULL);
INSERT INTO "flow" VALUES('31b710c5-22f2-46ea-89d5-a0ca0cd3dd5a',1795655100688639,1795655100688639,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','8a9f0ecf-06f2-451d-9075-77b45485134d','0d219e64-df2f-4fc5-aa3b-b0620f3f7650','flow',NULL,2,'4d8793e0-4c02-48bf-b0af-c7043246ff17','1.1.0',0,0,NULL,'[{"default":1,"name":"x","required":false,"slug":"x"}]','{"labels":["here"],"type":"LocalRun"}',NULL,'{"__version__":"1.1.0","edges":[{"downstream_task":{"slug":"b"},"mapped":false,"upstream_task":{"slug":"a"}},{"downstream_task":{"slug":"c"},"mapped":false,"upstream_task":{"slug":"b"}}],"name":"flow","parameters":[{"default":1,"name":"x","required":false,"slug":"x"}],"run_config":{"labels":["here"],"type":"LocalRun"},"tasks":[{"max_retries":1,"name":"a","retry_delay":30,"slug":"a","tags":[],"trigger":{"fn":"prefect.triggers.all_successful","kwargs":{}},"type":"T"},{"max_retries":0,"name":"b","slug":"b","tags":[],"trigger":{"fn":"prefect.triggers.all_successful","kwargs":{}},"type":"T"},{"max_retries":0,"name":"c","slug":"c","tags":[],"trigger":{"fn":"prefect.triggers.all_successful","kwargs":{}},"type":"T"}]}','{}',NULL);
INSERT INTO "flow" VALUES('1b42e297-e3da-4dc0-8d59-d88e57d97b71',1795655100697119,1795655100704832,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','8a9f0ecf-06f2-451d-9075-77b45485134d','878ac4ac-d441-48fa-b78d-3dab49986840','scheduled',NULL,1,'5fa13ec3-2593-4f5a-9947-d6688cd94397','1.1.0',0,1,NULL,'[]','{"labels":["here"],"type":"LocalRun"}','{"__version__":"1.1.0","adjustments":[],"clocks":[{"__version__":"1.1.0","cron":"0 6 * * *","day_or":true,"end_date":null,"labels":null,"parameter_defaults":{},"start_date":null,"type":"CronClock"}],"filters":[],"not_filters":[],"or_filters":[]}','{"__version__":"1.1.0","edges":[],"name":"scheduled","parameters":[],"run_config":{"labels":["here"],"type":"LocalRun"},"schedule":{"__version__":"1.1.0","adjustments":[],"clocks":[{"__version__":"1.1.0","cron":"0 6 * * *","day_or":true,"end_date":null,"labels":null,"parameter_defaults":{},"start_date":null,"type":"CronClock"}],"filters":[],"not_filters":[],"or_filters":[]},"tasks":[{"max_retries":0,"name":"a","slug":"a","tags":[],"trigger":{"fn":"prefect.triggers.all_successful","kwargs":{}},"type":"T"}]}','{}',NULL);
CREATE TABLE flow_group (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36), 
	name TEXT, 
	description TEXT, 
	labels TEXT, 
	schedule TEXT, 
	run_config TEXT, 
	settings TEXT NOT NULL, 
	default_parameters TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE, 
	CONSTRAINT flow_group_tenant_id_name_key UNIQUE (tenant_id, name)
);
INSERT INTO "flow_group" VALUES('0d219e64-df2f-4fc5-aa3b-b0620f3f7650',1795655100667876,1795655100688639,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','4d8793e0-4c02-48bf-b0af-c7043246ff17',NULL,NULL,NULL,NULL,'{"heartbeat_enabled":true,"idempotency_key":null,"lazarus_enabled":true,"version_locking_enabled":false}','{}');
INSERT INTO "flow_group" VALUES('878ac4ac-d441-48fa-b78d-3dab49986840',1795655100697119,1795655100697119,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','5fa13ec3-2593-4f5a-9947-d6688cd94397',NULL,NULL,NULL,NULL,'{"heartbeat_enabled":true,"idempotency_key":null,"lazarus_enabled":true,"version_locking_enabled":false}','{}');
CREATE TABLE flow_run (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36), 
	flow_id VARCHAR(36) NOT NULL, 
	agent_id VARCHAR(36), 
	name TEXT, 
	idempotency_key TEXT, 
	parameters TEXT, 
	context TEXT, 
	labels TEXT NOT NULL, 
	run_config TEXT, 
	scheduled_start_time BIGINT NOT NULL, 
	auto_scheduled BOOLEAN NOT NULL, 
	times_resurrected INTEGER DEFAULT '0', 
	version INTEGER DEFAULT '0' NOT NULL, 
	heartbeat BIGINT, 
	start_time BIGINT, 
	end_time BIGINT, 
	state TEXT, 
	state_timestamp BIGINT, 
	state_message TEXT, 
	state_result TEXT, 
	state_start_time BIGINT, 
	serialized_state TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(agent_id) REFERENCES agent (id) ON DELETE SET NULL, 
	FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE, 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
INSERT INTO "flow_run" VALUES('69cae33a-be46-4dbf-badf-569bfec3f3f5',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','1b42e297-e3da-4dc0-8d59-d88e57d97b71',NULL,'ready-koala','auto-scheduled:2026-11-26T06:00:00+00:00','{}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1795672800000000,1,0,1,NULL,NULL,NULL,'Scheduled',1795655100705933,'Flow run scheduled.',NULL,1795672800000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-26T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run" VALUES('491cf038-8000-45e6-acf4-bc8c84e1a0cb',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','1b42e297-e3da-4dc0-8d59-d88e57d97b71',NULL,'gentle-lion','auto-scheduled:2026-11-27T06:00:00+00:00','{}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1795759200000000,1,0,1,NULL,NULL,NULL,'Scheduled',1795655100705933,'Flow run scheduled.',NULL,1795759200000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-27T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run" VALUES('acf47410-79a4-40e5-9662-4a0c005be0d3',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','1b42e297-e3da-4dc0-8d59-d88e57d97b71',NULL,'apt-mink','auto-scheduled:2026-11-28T06:00:00+00:00','{}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1795845600000000,1,0,1,NULL,NULL,NULL,'Scheduled',1795655100705933,'Flow run scheduled.',NULL,1795845600000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-28T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run" VALUES('4cb93070-42e6-42e3-9614-29ed7967c5dc',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','1b42e297-e3da-4dc0-8d59-d88e57d97b71',NULL,'careful-cat','auto-scheduled:2026-11-29T06:00:00+00:00','{}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1795932000000000,1,0,1,NULL,NULL,NULL,'Scheduled',1795655100705933,'Flow run scheduled.',NULL,1795932000000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-29T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run" VALUES('ef50ca50-712c-4859-93c5-f4dab2458b4f',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','1b42e297-e3da-4dc0-8d59-d88e57d97b71',NULL,'kind-egret','auto-scheduled:2026-11-30T06:00:00+00:00','{}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1796018400000000,1,0,1,NULL,NULL,NULL,'Scheduled',1795655100705933,'Flow run scheduled.',NULL,1796018400000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-30T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run" VALUES('193bc9d5-07aa-40e9-8c01-0584868023ca',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','1b42e297-e3da-4dc0-8d59-d88e57d97b71',NULL,'fair-badger','auto-scheduled:2026-12-01T06:00:00+00:00','{}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1796104800000000,1,0,1,NULL,NULL,NULL,'Scheduled',1795655100705933,'Flow run scheduled.',NULL,1796104800000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-12-01T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run" VALUES('b994e7ad-ae83-4866-9460-7c169451ce49',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','1b42e297-e3da-4dc0-8d59-d88e57d97b71',NULL,'humble-tapir','auto-scheduled:2026-12-02T06:00:00+00:00','{}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1796191200000000,1,0,1,NULL,NULL,NULL,'Scheduled',1795655100705933,'Flow run scheduled.',NULL,1796191200000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-12-02T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run" VALUES('baf85bf5-e889-4eac-8646-90de66e6fb68',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','1b42e297-e3da-4dc0-8d59-d88e57d97b71',NULL,'kind-falcon','auto-scheduled:2026-12-03T06:00:00+00:00','{}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1796277600000000,1,0,1,NULL,NULL,NULL,'Scheduled',1795655100705933,'Flow run scheduled.',NULL,1796277600000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-12-03T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run" VALUES('2f717917-8edb-4f19-9c73-05cfc9430487',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','1b42e297-e3da-4dc0-8d59-d88e57d97b71',NULL,'prompt-curlew','auto-scheduled:2026-12-04T06:00:00+00:00','{}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1796364000000000,1,0,1,NULL,NULL,NULL,'Scheduled',1795655100705933,'Flow run scheduled.',NULL,1796364000000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-12-04T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run" VALUES('092bf331-07ce-4cf3-9d76-0c584234e454',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','1b42e297-e3da-4dc0-8d59-d88e57d97b71',NULL,'humble-zebra','auto-scheduled:2026-12-05T06:00:00+00:00','{}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1796450400000000,1,0,1,NULL,NULL,NULL,'Scheduled',1795655100705933,'Flow run scheduled.',NULL,1796450400000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-12-05T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run" VALUES('b21e7c36-4450-4e75-906b-59cdbb8cb9ca',1795655100772990,1795655100813216,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','31b710c5-22f2-46ea-89d5-a0ca0cd3dd5a','90ff5b03-1adb-46b7-8f59-54cae5877b4b','done',NULL,'{"x":2}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1795655100772990,0,0,4,1795655100782590,1795655100782590,1795655100813216,'Success',1795655100813216,'now Success',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Success","type":"Success"}');
INSERT INTO "flow_run" VALUES('055d1139-8587-4d68-a065-3f2d84c50418',1795655100814578,1795655100819564,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','31b710c5-22f2-46ea-89d5-a0ca0cd3dd5a',NULL,'failed',NULL,'{"x":1}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1795655100814578,0,0,4,1795655100818150,1795655100818150,1795655100819564,'Failed',1795655100819564,'now Failed',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Failed","type":"Failed"}');
INSERT INTO "flow_run" VALUES('872c88f8-d839-46a5-a037-daea8c7ced67',1795655100820858,1795655100824330,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','31b710c5-22f2-46ea-89d5-a0ca0cd3dd5a',NULL,'running',NULL,'{"x":1}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1795655100820858,0,0,3,1795655100824330,1795655100824330,NULL,'Running',1795655100824330,'now Running',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Running","type":"Running"}');
INSERT INTO "flow_run" VALUES('d1e6c1c6-d9f9-4db4-94bc-4799d0416a81',1795655100825706,1795655100825706,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','31b710c5-22f2-46ea-89d5-a0ca0cd3dd5a',NULL,'waiting',NULL,'{"x":1}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1893456000000000,0,0,1,NULL,NULL,NULL,'Scheduled',1795655100825706,'Flow run scheduled.',NULL,1893456000000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2030-01-01T00:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run" VALUES('e548a42e-df20-468d-9399-08d6d9856fdb',1795655100827933,1795655100831369,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','31b710c5-22f2-46ea-89d5-a0ca0cd3dd5a',NULL,'cancelled',NULL,'{"x":1}','{}','["here"]','{"labels":["here"],"type":"LocalRun"}',1795655100827933,0,0,2,NULL,NULL,1795655100831369,'Cancelled',1795655100831369,'Flow run is cancelled',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run is cancelled","type":"Cancelled"}');
CREATE TABLE flow_run_state (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36), 
	flow_run_id VARCHAR(36) NOT NULL, 
	timestamp BIGINT NOT NULL, 
	version INTEGER, 
	state TEXT NOT NULL, 
	message TEXT, 
	result TEXT, 
	start_time BIGINT, 
	serialized_state TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE, 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
INSERT INTO "flow_run_state" VALUES('634745bb-88c3-4751-8930-625cadc47019',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','69cae33a-be46-4dbf-badf-569bfec3f3f5',1795655100705933,1,'Scheduled','Flow run scheduled.',NULL,1795672800000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-26T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('57ed89eb-7458-4f51-ac0c-b47577bcd0f2',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','491cf038-8000-45e6-acf4-bc8c84e1a0cb',1795655100705933,1,'Scheduled','Flow run scheduled.',NULL,1795759200000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-27T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('07288a9e-6ec8-4c39-9870-e786360a3f78',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','acf47410-79a4-40e5-9662-4a0c005be0d3',1795655100705933,1,'Scheduled','Flow run scheduled.',NULL,1795845600000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-28T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('9354bf78-6e1c-4897-b8fc-5351b144f580',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','4cb93070-42e6-42e3-9614-29ed7967c5dc',1795655100705933,1,'Scheduled','Flow run scheduled.',NULL,1795932000000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-29T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('ad1b428a-e7ba-4707-9aa8-2fa5ac783f7d',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','ef50ca50-712c-4859-93c5-f4dab2458b4f',1795655100705933,1,'Scheduled','Flow run scheduled.',NULL,1796018400000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-30T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('154bc0f2-9262-4701-8e21-f2e057b8889d',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','193bc9d5-07aa-40e9-8c01-0584868023ca',1795655100705933,1,'Scheduled','Flow run scheduled.',NULL,1796104800000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-12-01T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('bc196f5f-6e5b-47d6-9d53-ee2fe5c997f1',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b994e7ad-ae83-4866-9460-7c169451ce49',1795655100705933,1,'Scheduled','Flow run scheduled.',NULL,1796191200000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-12-02T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('23c5927e-f421-4f89-a743-7c45ffb780c3',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','baf85bf5-e889-4eac-8646-90de66e6fb68',1795655100705933,1,'Scheduled','Flow run scheduled.',NULL,1796277600000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-12-03T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('2f490fc9-b45d-4a81-a9c3-9309797e24f0',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','2f717917-8edb-4f19-9c73-05cfc9430487',1795655100705933,1,'Scheduled','Flow run scheduled.',NULL,1796364000000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-12-04T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('eb58da7c-36b1-46e2-8112-6dc0a01071d1',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','092bf331-07ce-4cf3-9d76-0c584234e454',1795655100705933,1,'Scheduled','Flow run scheduled.',NULL,1796450400000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-12-05T06:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('eff515bf-443b-4d41-b2b6-3b1c9f729b30',1795655100772990,1795655100772990,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b21e7c36-4450-4e75-906b-59cdbb8cb9ca',1795655100772990,1,'Scheduled','Flow run scheduled.',NULL,1795655100772990,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-26T01:05:00.77299+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('ab52ba9c-3a36-49d6-85ae-3b41e08c11ae',1795655100777701,1795655100777701,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b21e7c36-4450-4e75-906b-59cdbb8cb9ca',1795655100777701,2,'Submitted','m',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"m","type":"Submitted"}');
INSERT INTO "flow_run_state" VALUES('516bfeab-29ed-4d70-8bd2-91c90db5aaa2',1795655100782590,1795655100782590,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b21e7c36-4450-4e75-906b-59cdbb8cb9ca',1795655100782590,3,'Running','now Running',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Running","type":"Running"}');
INSERT INTO "flow_run_state" VALUES('ed85c2f8-e13d-4707-aeba-6d4957c91d5e',1795655100813216,1795655100813216,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b21e7c36-4450-4e75-906b-59cdbb8cb9ca',1795655100813216,4,'Success','now Success',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Success","type":"Success"}');
INSERT INTO "flow_run_state" VALUES('0c2bd8ce-0aa8-4e13-9511-438bb09cec8f',1795655100814578,1795655100814578,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','055d1139-8587-4d68-a065-3f2d84c50418',1795655100814578,1,'Scheduled','Flow run scheduled.',NULL,1795655100814578,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-26T01:05:00.814578+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('b2542897-8011-4eef-8772-04fe713d431a',1795655100816823,1795655100816823,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','055d1139-8587-4d68-a065-3f2d84c50418',1795655100816823,2,'Submitted','now Submitted',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Submitted","type":"Submitted"}');
INSERT INTO "flow_run_state" VALUES('f81d6139-421a-48d1-8f8d-7df191573317',1795655100818150,1795655100818150,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','055d1139-8587-4d68-a065-3f2d84c50418',1795655100818150,3,'Running','now Running',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Running","type":"Running"}');
INSERT INTO "flow_run_state" VALUES('2dfcbf3c-3b32-4a26-88f7-f86b7b83191b',1795655100819564,1795655100819564,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','055d1139-8587-4d68-a065-3f2d84c50418',1795655100819564,4,'Failed','now Failed',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Failed","type":"Failed"}');
INSERT INTO "flow_run_state" VALUES('7ae7c3bb-ffc1-4f4e-8532-7eff4bbf8e39',1795655100820858,1795655100820858,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','872c88f8-d839-46a5-a037-daea8c7ced67',1795655100820858,1,'Scheduled','Flow run scheduled.',NULL,1795655100820858,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-26T01:05:00.820858+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('e2639512-690b-4f37-90c1-43c4a9566ce2',1795655100823005,1795655100823005,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','872c88f8-d839-46a5-a037-daea8c7ced67',1795655100823005,2,'Submitted','now Submitted',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Submitted","type":"Submitted"}');
INSERT INTO "flow_run_state" VALUES('ed506f40-8c9f-406a-ade1-c9358bc4906c',1795655100824330,1795655100824330,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','872c88f8-d839-46a5-a037-daea8c7ced67',1795655100824330,3,'Running','now Running',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Running","type":"Running"}');
INSERT INTO "flow_run_state" VALUES('a553cf81-bcac-4e84-8d46-b1d1fa75e8b2',1795655100825706,1795655100825706,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','d1e6c1c6-d9f9-4db4-94bc-4799d0416a81',1795655100825706,1,'Scheduled','Flow run scheduled.',NULL,1893456000000000,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2030-01-01T00:00:00+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('34f4e018-b6b6-4443-b9a4-e04a81d2a8f8',1795655100827933,1795655100827933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','e548a42e-df20-468d-9399-08d6d9856fdb',1795655100827933,1,'Scheduled','Flow run scheduled.',NULL,1795655100827933,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run scheduled.","start_time":"2026-11-26T01:05:00.827933+00:00","type":"Scheduled"}');
INSERT INTO "flow_run_state" VALUES('a9ad38ba-9d96-48da-9dbe-9019bd96fb9f',1795655100831369,1795655100831369,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','e548a42e-df20-468d-9399-08d6d9856fdb',1795655100831369,2,'Cancelled','Flow run is cancelled',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run is cancelled","type":"Cancelled"}');
CREATE TABLE log (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36), 
	flow_run_id VARCHAR(36), 
	task_run_id VARCHAR(36), 
	timestamp BIGINT NOT NULL, 
	name TEXT, 
	level TEXT, 
	message TEXT, 
	info TEXT, 
	is_loaded_from_archive BOOLEAN, 
	PRIMARY KEY (id), 
	FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE, 
	FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE, 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
INSERT INTO "log" VALUES('0cf26d6e-c3c5-4935-a654-c5aef3681a0d',1795655100800804,1795655100800804,NULL,'b21e7c36-4450-4e75-906b-59cdbb8cb9ca','d062ab7d-9287-4cfe-a17e-a2c9749ed4cd',1795655100800804,'prefect','INFO','line of a',NULL,0);
INSERT INTO "log" VALUES('b015eff4-ece0-4d8f-869a-9df5cff27925',1795655100806964,1795655100806964,NULL,'b21e7c36-4450-4e75-906b-59cdbb8cb9ca','44e4a71e-c9fb-4446-9ccc-c138c2f0861e',1795655100806964,'prefect','INFO','line of b',NULL,0);
INSERT INTO "log" VALUES('51d36503-5185-48d1-ab02-443d98261a50',1795655100812187,1795655100812187,NULL,'b21e7c36-4450-4e75-906b-59cdbb8cb9ca','3140bf58-e69a-4479-bf61-c7bd2062561e',1795655100812187,'prefect','INFO','line of c',NULL,0);
CREATE TABLE project (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36), 
	name TEXT NOT NULL, 
	description TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE, 
	CONSTRAINT project_tenant_id_name_key UNIQUE (tenant_id, name)
);
INSERT INTO "project" VALUES('8a9f0ecf-06f2-451d-9075-77b45485134d',1795655100659645,1795655100659645,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','project',NULL);
CREATE TABLE task (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36), 
	flow_id VARCHAR(36) NOT NULL, 
	name TEXT, 
	slug TEXT, 
	description TEXT, 
	type TEXT, 
	max_retries INTEGER, 
	retry_delay BIGINT, 
	"trigger" TEXT, 
	mapped BOOLEAN NOT NULL, 
	auto_generated BOOLEAN NOT NULL, 
	cache_key TEXT, 
	is_root_task BOOLEAN NOT NULL, 
	is_terminal_task BOOLEAN NOT NULL, 
	is_reference_task BOOLEAN NOT NULL, 
	tags TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE, 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE, 
	CONSTRAINT task_flow_id_slug_key UNIQUE (flow_id, slug)
);
INSERT INTO "task" VALUES('d7b093c3-88c9-4adf-b29a-ba7d5cd28fd0',1795655100667876,1795655100667876,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','ef78a255-b0ea-45a7-8955-8ea49b63076b','a','a',NULL,'T',0,NULL,'prefect.triggers.all_successful',0,0,NULL,0,0,0,'[]');
INSERT INTO "task" VALUES('942d4898-b388-4003-ab3c-cb7d68b17c48',1795655100667876,1795655100667876,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','ef78a255-b0ea-45a7-8955-8ea49b63076b','b','b',NULL,'T',0,NULL,'prefect.triggers.all_successful',0,0,NULL,0,0,0,'[]');
INSERT INTO "task" VALUES('5289a93f-d2f8-4b30-a27c-52cea6fce67d',1795655100667876,1795655100667876,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','ef78a255-b0ea-45a7-8955-8ea49b63076b','c','c',NULL,'T',0,NULL,'prefect.triggers.all_successful',0,0,NULL,0,0,0,'[]');
INSERT INTO "task" VALUES('193582b7-d8c9-4f58-8e83-01d38528f2a4',1795655100688639,1795655100688639,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','31b710c5-22f2-46ea-89d5-a0ca0cd3dd5a','a','a',NULL,'T',1,30000000,'prefect.triggers.all_successful',0,0,NULL,0,0,0,'[]');
INSERT INTO "task" VALUES('96989c6a-0ffc-469c-ac30-fe11b63a6b3f',1795655100688639,1795655100688639,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','31b710c5-22f2-46ea-89d5-a0ca0cd3dd5a','b','b',NULL,'T',0,NULL,'prefect.triggers.all_successful',0,0,NULL,0,0,0,'[]');
INSERT INTO "task" VALUES('206532c2-e694-40b6-9200-044903d27b80',1795655100688639,1795655100688639,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','31b710c5-22f2-46ea-89d5-a0ca0cd3dd5a','c','c',NULL,'T',0,NULL,'prefect.triggers.all_successful',0,0,NULL,0,0,0,'[]');
INSERT INTO "task" VALUES('1b7273cb-78d2-4108-a11a-6837d33f1434',1795655100697119,1795655100697119,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','1b42e297-e3da-4dc0-8d59-d88e57d97b71','a','a',NULL,'T',0,NULL,'prefect.triggers.all_successful',0,0,NULL,0,0,0,'[]');
CREATE TABLE task_run (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36), 
	flow_run_id VARCHAR(36) NOT NULL, 
	task_id VARCHAR(36) NOT NULL, 
	map_index INTEGER NOT NULL, 
	name TEXT, 
	cache_key TEXT, 
	version INTEGER DEFAULT '0' NOT NULL, 
	heartbeat BIGINT, 
	start_time BIGINT, 
	end_time BIGINT, 
	state TEXT, 
	state_timestamp BIGINT, 
	state_message TEXT, 
	state_result TEXT, 
	state_start_time BIGINT, 
	serialized_state TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE, 
	FOREIGN KEY(task_id) REFERENCES task (id) ON DELETE CASCADE, 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE, 
	CONSTRAINT task_run_unique_identifier_key UNIQUE (flow_run_id, task_id, map_index)
);
INSERT INTO "task_run" VALUES('f00df479-6136-4c14-b098-959ed5c1a392',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','69cae33a-be46-4dbf-badf-569bfec3f3f5','1b7273cb-78d2-4108-a11a-6837d33f1434',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100705933,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('8bf146bb-cf93-49a9-bb08-f94c0fc39129',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','491cf038-8000-45e6-acf4-bc8c84e1a0cb','1b7273cb-78d2-4108-a11a-6837d33f1434',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100705933,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('44bf4cb3-4aac-4203-bfcc-ffe8a9e9576d',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','acf47410-79a4-40e5-9662-4a0c005be0d3','1b7273cb-78d2-4108-a11a-6837d33f1434',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100705933,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('e3c61d40-6452-4e10-9c92-56d717d3c345',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','4cb93070-42e6-42e3-9614-29ed7967c5dc','1b7273cb-78d2-4108-a11a-6837d33f1434',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100705933,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('9c110217-7759-4abf-b547-93715cc79991',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','ef50ca50-712c-4859-93c5-f4dab2458b4f','1b7273cb-78d2-4108-a11a-6837d33f1434',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100705933,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('706fe892-4593-444e-8bf7-25cdee0b2b58',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','193bc9d5-07aa-40e9-8c01-0584868023ca','1b7273cb-78d2-4108-a11a-6837d33f1434',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100705933,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('32fb0574-ae3a-47df-81a1-cfc166f16451',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b994e7ad-ae83-4866-9460-7c169451ce49','1b7273cb-78d2-4108-a11a-6837d33f1434',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100705933,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('d16521aa-2fbe-4dbf-b0eb-92ffd898ed5e',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','baf85bf5-e889-4eac-8646-90de66e6fb68','1b7273cb-78d2-4108-a11a-6837d33f1434',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100705933,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('962cd1ba-309c-407c-b160-feaf6ee047c5',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','2f717917-8edb-4f19-9c73-05cfc9430487','1b7273cb-78d2-4108-a11a-6837d33f1434',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100705933,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('413e16cf-55d9-44d6-8534-af7a4e2bcef3',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','092bf331-07ce-4cf3-9d76-0c584234e454','1b7273cb-78d2-4108-a11a-6837d33f1434',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100705933,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('d062ab7d-9287-4cfe-a17e-a2c9749ed4cd',1795655100772990,1795655100794546,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b21e7c36-4450-4e75-906b-59cdbb8cb9ca','193582b7-d8c9-4f58-8e83-01d38528f2a4',-1,NULL,NULL,3,1795655100791110,1795655100791110,1795655100794546,'Success',1795655100794546,'now Success',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Success","type":"Success"}');
INSERT INTO "task_run" VALUES('44e4a71e-c9fb-4446-9ccc-c138c2f0861e',1795655100772990,1795655100803853,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b21e7c36-4450-4e75-906b-59cdbb8cb9ca','96989c6a-0ffc-469c-ac30-fe11b63a6b3f',-1,NULL,NULL,3,1795655100802464,1795655100802464,1795655100803853,'Success',1795655100803853,'now Success',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Success","type":"Success"}');
INSERT INTO "task_run" VALUES('3140bf58-e69a-4479-bf61-c7bd2062561e',1795655100772990,1795655100809371,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b21e7c36-4450-4e75-906b-59cdbb8cb9ca','206532c2-e694-40b6-9200-044903d27b80',-1,NULL,NULL,3,1795655100807980,1795655100807980,1795655100809371,'Success',1795655100809371,'now Success',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Success","type":"Success"}');
INSERT INTO "task_run" VALUES('2ff14f91-3e2e-45ba-bcd2-f7dca6962c0b',1795655100814578,1795655100814578,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','055d1139-8587-4d68-a065-3f2d84c50418','193582b7-d8c9-4f58-8e83-01d38528f2a4',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100814578,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('0a2b2cf9-9595-47ed-b7e1-a5cf6378b470',1795655100814578,1795655100814578,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','055d1139-8587-4d68-a065-3f2d84c50418','96989c6a-0ffc-469c-ac30-fe11b63a6b3f',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100814578,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('5dd66123-51e6-4240-89fd-0dfac086ce82',1795655100814578,1795655100814578,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','055d1139-8587-4d68-a065-3f2d84c50418','206532c2-e694-40b6-9200-044903d27b80',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100814578,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('1313b3bf-c82c-4c23-ac4b-b198aeaec305',1795655100820858,1795655100820858,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','872c88f8-d839-46a5-a037-daea8c7ced67','193582b7-d8c9-4f58-8e83-01d38528f2a4',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100820858,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('2416c868-5b48-4eb1-af8d-f8de05cba5da',1795655100820858,1795655100820858,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','872c88f8-d839-46a5-a037-daea8c7ced67','96989c6a-0ffc-469c-ac30-fe11b63a6b3f',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100820858,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('38827504-b6fb-4451-80a2-cf020009bb47',1795655100820858,1795655100820858,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','872c88f8-d839-46a5-a037-daea8c7ced67','206532c2-e694-40b6-9200-044903d27b80',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100820858,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('40387992-fabd-4758-bc87-51822688e57a',1795655100825706,1795655100825706,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','d1e6c1c6-d9f9-4db4-94bc-4799d0416a81','193582b7-d8c9-4f58-8e83-01d38528f2a4',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100825706,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('daaeffd5-86f0-4e75-a2af-3417246fbc67',1795655100825706,1795655100825706,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','d1e6c1c6-d9f9-4db4-94bc-4799d0416a81','96989c6a-0ffc-469c-ac30-fe11b63a6b3f',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100825706,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('2d2b83f1-6fa0-4deb-a7c7-ef9ad514f08c',1795655100825706,1795655100825706,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','d1e6c1c6-d9f9-4db4-94bc-4799d0416a81','206532c2-e694-40b6-9200-044903d27b80',-1,NULL,NULL,1,NULL,NULL,NULL,'Pending',1795655100825706,'Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run" VALUES('b4875b13-3135-423b-8440-ecaad2f4fc9d',1795655100827933,1795655100831369,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','e548a42e-df20-468d-9399-08d6d9856fdb','193582b7-d8c9-4f58-8e83-01d38528f2a4',-1,NULL,NULL,2,NULL,NULL,1795655100831369,'Cancelled',1795655100831369,'Flow run is cancelled',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run is cancelled","type":"Cancelled"}');
INSERT INTO "task_run" VALUES('851400e2-a544-4eaa-9262-39e89b5d7a17',1795655100827933,1795655100831369,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','e548a42e-df20-468d-9399-08d6d9856fdb','96989c6a-0ffc-469c-ac30-fe11b63a6b3f',-1,NULL,NULL,2,NULL,NULL,1795655100831369,'Cancelled',1795655100831369,'Flow run is cancelled',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run is cancelled","type":"Cancelled"}');
INSERT INTO "task_run" VALUES('b7714999-bff0-48ca-835a-06a56eda8f6b',1795655100827933,1795655100831369,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','e548a42e-df20-468d-9399-08d6d9856fdb','206532c2-e694-40b6-9200-044903d27b80',-1,NULL,NULL,2,NULL,NULL,1795655100831369,'Cancelled',1795655100831369,'Flow run is cancelled',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run is cancelled","type":"Cancelled"}');
CREATE TABLE task_run_artifact (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36) NOT NULL, 
	task_run_id VARCHAR(36) NOT NULL, 
	kind TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE, 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
INSERT INTO "task_run_artifact" VALUES('6a5fa082-6617-4811-8059-b86d3a7d65d6',1795655100797272,1795655100797272,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','d062ab7d-9287-4cfe-a17e-a2c9749ed4cd','markdown','{"markdown":"# a"}');
INSERT INTO "task_run_artifact" VALUES('f38c62db-2ae8-43c6-b524-cc17e2eafd4d',1795655100805142,1795655100805142,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','44e4a71e-c9fb-4446-9ccc-c138c2f0861e','markdown','{"markdown":"# b"}');
INSERT INTO "task_run_artifact" VALUES('3ed1833b-d6e9-48f7-91d1-cc73ff7d976b',1795655100810649,1795655100810649,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','3140bf58-e69a-4479-bf61-c7bd2062561e','markdown','{"markdown":"# c"}');
CREATE TABLE task_run_state (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	tenant_id VARCHAR(36), 
	task_run_id VARCHAR(36) NOT NULL, 
	timestamp BIGINT NOT NULL, 
	version INTEGER, 
	state TEXT NOT NULL, 
	message TEXT, 
	result TEXT, 
	start_time BIGINT, 
	serialized_state TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE, 
	FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
INSERT INTO "task_run_state" VALUES('9995eefe-cf42-4c0d-b81e-3b47ec4f5ac3',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','f00df479-6136-4c14-b098-959ed5c1a392',1795655100705933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('201de196-f284-45c6-92f6-5e47a75b0bc6',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','8bf146bb-cf93-49a9-bb08-f94c0fc39129',1795655100705933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('98aca49b-f8fd-4911-bf8a-55ad555e3b27',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','44bf4cb3-4aac-4203-bfcc-ffe8a9e9576d',1795655100705933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('95a6fb32-3825-4bba-84dc-4e9f2124a473',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','e3c61d40-6452-4e10-9c92-56d717d3c345',1795655100705933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('366c12f5-fbe4-4ab7-b108-844d450ff3f2',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','9c110217-7759-4abf-b547-93715cc79991',1795655100705933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('e8a0b9d1-283a-41b2-bf8f-f36f23eb300c',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','706fe892-4593-444e-8bf7-25cdee0b2b58',1795655100705933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('c7b2c8c2-dbf6-41d9-a7cd-7f143e9f5df3',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','32fb0574-ae3a-47df-81a1-cfc166f16451',1795655100705933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('683eb973-410f-4f21-9f9f-1e2deb8834fc',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','d16521aa-2fbe-4dbf-b0eb-92ffd898ed5e',1795655100705933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('20c1019d-6be7-40c2-98b7-092e3ef946dc',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','962cd1ba-309c-407c-b160-feaf6ee047c5',1795655100705933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('cfaa1f03-d620-4ed7-aba4-7f842dbc792d',1795655100705933,1795655100705933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','413e16cf-55d9-44d6-8534-af7a4e2bcef3',1795655100705933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('9ba0729e-a5ee-46fa-8bf2-c5865f935b9e',1795655100772990,1795655100772990,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','d062ab7d-9287-4cfe-a17e-a2c9749ed4cd',1795655100772990,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('7d6a228b-e822-481e-864d-b73b228d03f4',1795655100772990,1795655100772990,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','3140bf58-e69a-4479-bf61-c7bd2062561e',1795655100772990,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('54c6f2be-7539-4a6c-9af4-09a696fcb14c',1795655100772990,1795655100772990,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','44e4a71e-c9fb-4446-9ccc-c138c2f0861e',1795655100772990,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('36068b3a-52d5-438a-ae48-6d06116e438c',1795655100791110,1795655100791110,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','d062ab7d-9287-4cfe-a17e-a2c9749ed4cd',1795655100791110,2,'Running','now Running',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Running","type":"Running"}');
INSERT INTO "task_run_state" VALUES('401875a5-d4a7-427d-8351-c80c3d5e27a1',1795655100794546,1795655100794546,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','d062ab7d-9287-4cfe-a17e-a2c9749ed4cd',1795655100794546,3,'Success','now Success',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Success","type":"Success"}');
INSERT INTO "task_run_state" VALUES('04270f7c-36e3-4270-94b2-2a243d139377',1795655100802464,1795655100802464,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','44e4a71e-c9fb-4446-9ccc-c138c2f0861e',1795655100802464,2,'Running','now Running',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Running","type":"Running"}');
INSERT INTO "task_run_state" VALUES('e9ef4976-0284-4955-8454-1ff79e74b1f7',1795655100803853,1795655100803853,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','44e4a71e-c9fb-4446-9ccc-c138c2f0861e',1795655100803853,3,'Success','now Success',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Success","type":"Success"}');
INSERT INTO "task_run_state" VALUES('bcf37609-5230-4c47-8bc9-cf11ebe4e9fe',1795655100807980,1795655100807980,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','3140bf58-e69a-4479-bf61-c7bd2062561e',1795655100807980,2,'Running','now Running',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Running","type":"Running"}');
INSERT INTO "task_run_state" VALUES('19ad9d05-9d1e-4916-98dd-cb7a34116749',1795655100809371,1795655100809371,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','3140bf58-e69a-4479-bf61-c7bd2062561e',1795655100809371,3,'Success','now Success',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"now Success","type":"Success"}');
INSERT INTO "task_run_state" VALUES('79cd3506-f58b-453e-9418-967ced749f01',1795655100814578,1795655100814578,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','2ff14f91-3e2e-45ba-bcd2-f7dca6962c0b',1795655100814578,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('0a910e28-9ff1-4989-b613-0e5a6398fcd1',1795655100814578,1795655100814578,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','5dd66123-51e6-4240-89fd-0dfac086ce82',1795655100814578,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('1185f220-7118-49c0-8f14-64312b43ab5c',1795655100814578,1795655100814578,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','0a2b2cf9-9595-47ed-b7e1-a5cf6378b470',1795655100814578,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('6136529f-4d28-4008-9217-9095512e68e3',1795655100820858,1795655100820858,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','1313b3bf-c82c-4c23-ac4b-b198aeaec305',1795655100820858,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('93e59b45-9b18-40bc-b9c4-71a7d32cb979',1795655100820858,1795655100820858,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','38827504-b6fb-4451-80a2-cf020009bb47',1795655100820858,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('45f901f3-7985-4814-9ff9-7ad6f77fe1e4',1795655100820858,1795655100820858,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','2416c868-5b48-4eb1-af8d-f8de05cba5da',1795655100820858,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('9d42cfdb-0967-429a-9c67-bc863739fd1e',1795655100825706,1795655100825706,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','40387992-fabd-4758-bc87-51822688e57a',1795655100825706,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('272184da-a67e-4cbe-8980-94e2e21ac16a',1795655100825706,1795655100825706,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','2d2b83f1-6fa0-4deb-a7c7-ef9ad514f08c',1795655100825706,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('8fbe2ad5-6481-4a7a-ab44-4d032a21c624',1795655100825706,1795655100825706,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','daaeffd5-86f0-4e75-a2af-3417246fbc67',1795655100825706,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('e0188297-ed79-4ff1-a607-048966bbc0b3',1795655100827933,1795655100827933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b4875b13-3135-423b-8440-ecaad2f4fc9d',1795655100827933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('1d97b4a4-ead6-4dd9-ad29-ab316b6fbd1d',1795655100827933,1795655100827933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b7714999-bff0-48ca-835a-06a56eda8f6b',1795655100827933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('fafc16c1-f222-43ae-bcad-f8fc822eb310',1795655100827933,1795655100827933,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','851400e2-a544-4eaa-9262-39e89b5d7a17',1795655100827933,1,'Pending','Task run created',NULL,NULL,'{"message":"Task run created","type":"Pending"}');
INSERT INTO "task_run_state" VALUES('e3dce1a2-26d4-464e-8c44-2948f8813ce9',1795655100831369,1795655100831369,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b4875b13-3135-423b-8440-ecaad2f4fc9d',1795655100831369,2,'Cancelled','Flow run is cancelled',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run is cancelled","type":"Cancelled"}');
INSERT INTO "task_run_state" VALUES('e09491dd-043c-414d-abd1-780623e8d1c6',1795655100831369,1795655100831369,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','b7714999-bff0-48ca-835a-06a56eda8f6b',1795655100831369,2,'Cancelled','Flow run is cancelled',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run is cancelled","type":"Cancelled"}');
INSERT INTO "task_run_state" VALUES('b1119c15-6a79-4a86-98c5-687043fd309e',1795655100831369,1795655100831369,'d7fe0542-bcb8-45b7-b75a-373e15cf2726','851400e2-a544-4eaa-9262-39e89b5d7a17',1795655100831369,2,'Cancelled','Flow run is cancelled',NULL,NULL,'{"__version__":"1.1.0","_result":{"__version__":"1.1.0","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Flow run is cancelled","type":"Cancelled"}');
CREATE TABLE tenant (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	slug TEXT NOT NULL, 
	info TEXT, 
	settings TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (slug)
);
INSERT INTO "tenant" VALUES('d7fe0542-bcb8-45b7-b75a-373e15cf2726',1795655100530244,1795655100530244,'default','default',NULL,'{}');
CREATE INDEX ix_flow_flow_group_id ON flow (flow_group_id);
CREATE INDEX ix_flow_project_id_name ON flow (project_id, name);
CREATE INDEX ix_flow_version_group_id ON flow (version_group_id, version);
CREATE INDEX ix_flow_run_agent_id ON flow_run (agent_id);
CREATE INDEX ix_flow_run_created ON flow_run (created);
CREATE INDEX ix_flow_run_flow_id_scheduled_start_time ON flow_run (flow_id, scheduled_start_time);
CREATE UNIQUE INDEX ix_flow_run_idempotency_key_unique ON flow_run (flow_id, idempotency_key);
CREATE INDEX ix_flow_run_state ON flow_run (state, state_start_time);
CREATE INDEX ix_edge_downstream_task_id ON edge (downstream_task_id);
CREATE INDEX ix_edge_upstream_task_id ON edge (upstream_task_id);
CREATE INDEX ix_flow_run_state_flow_run_id ON flow_run_state (flow_run_id, version);
CREATE INDEX ix_task_run_state ON task_run (state, state_start_time);
CREATE INDEX ix_task_run_task_id ON task_run (task_id);
CREATE INDEX ix_log_flow_run_id ON log (flow_run_id, timestamp);
CREATE INDEX ix_log_task_run_id ON log (task_run_id);
CREATE INDEX ix_task_run_artifact_task_run_id ON task_run_artifact (task_run_id);
CREATE INDEX ix_task_run_state_task_run_id ON task_run_state (task_run_id, version);
COMMIT;
