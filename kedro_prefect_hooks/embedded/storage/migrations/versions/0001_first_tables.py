"""The first tables of the embedded API.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('tenant',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('info', sa.Text(), nullable=True),
    sa.Column('settings', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('slug')
    )
    op.create_table('agent_config',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('settings', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('flow_group',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('labels', sa.Text(), nullable=True),
    sa.Column('schedule', sa.Text(), nullable=True),
    sa.Column('run_config', sa.Text(), nullable=True),
    sa.Column('settings', sa.Text(), nullable=False),
    sa.Column('default_parameters', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('tenant_id', 'name', name='flow_group_tenant_id_name_key')
    )
    op.create_table('project',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('tenant_id', 'name', name='project_tenant_id_name_key')
    )
    op.create_table('agent',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=False),
    sa.Column('agent_config_id', sa.String(36), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('type', sa.Text(), nullable=True),
    sa.Column('core_version', sa.Text(), nullable=True),
    sa.Column('labels', sa.Text(), nullable=False),
    sa.Column('last_queried', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['agent_config_id'], ['agent_config.id'], ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('flow',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=True),
    sa.Column('project_id', sa.String(36), nullable=False),
    sa.Column('flow_group_id', sa.String(36), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.Column('version_group_id', sa.Text(), nullable=True),
    sa.Column('core_version', sa.Text(), nullable=True),
    sa.Column('archived', sa.Boolean(), nullable=False),
    sa.Column('is_schedule_active', sa.Boolean(), nullable=False),
    sa.Column('environment', sa.Text(), nullable=True),
    sa.Column('parameters', sa.Text(), nullable=True),
    sa.Column('run_config', sa.Text(), nullable=True),
    sa.Column('schedule', sa.Text(), nullable=True),
    sa.Column('serialized_flow', sa.Text(), nullable=True),
    sa.Column('settings', sa.Text(), nullable=False),
    sa.Column('storage', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['flow_group_id'], ['flow_group.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_flow_flow_group_id', 'flow', ['flow_group_id'], unique=False)
    op.create_index('ix_flow_project_id_name', 'flow', ['project_id', 'name'], unique=False)
    op.create_index('ix_flow_version_group_id', 'flow', ['version_group_id', 'version'], unique=False)
    op.create_table('flow_run',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=True),
    sa.Column('flow_id', sa.String(36), nullable=False),
    sa.Column('agent_id', sa.String(36), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('idempotency_key', sa.Text(), nullable=True),
    sa.Column('parameters', sa.Text(), nullable=True),
    sa.Column('context', sa.Text(), nullable=True),
    sa.Column('labels', sa.Text(), nullable=False),
    sa.Column('run_config', sa.Text(), nullable=True),
    sa.Column('scheduled_start_time', sa.BigInteger(), nullable=False),
    sa.Column('auto_scheduled', sa.Boolean(), nullable=False),
    sa.Column('times_resurrected', sa.Integer(), server_default='0', nullable=True),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('heartbeat', sa.BigInteger(), nullable=True),
    sa.Column('start_time', sa.BigInteger(), nullable=True),
    sa.Column('end_time', sa.BigInteger(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('state_timestamp', sa.BigInteger(), nullable=True),
    sa.Column('state_message', sa.Text(), nullable=True),
    sa.Column('state_result', sa.Text(), nullable=True),
    sa.Column('state_start_time', sa.BigInteger(), nullable=True),
    sa.Column('serialized_state', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['agent_id'], ['agent.id'], ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['flow_id'], ['flow.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_flow_run_agent_id', 'flow_run', ['agent_id'], unique=False)
    op.create_index('ix_flow_run_created', 'flow_run', ['created'], unique=False)
    op.create_index('ix_flow_run_flow_id_scheduled_start_time', 'flow_run', ['flow_id', 'scheduled_start_time'], unique=False)
    op.create_index('ix_flow_run_idempotency_key_unique', 'flow_run', ['flow_id', 'idempotency_key'], unique=True)
    op.create_index('ix_flow_run_state', 'flow_run', ['state', 'state_start_time'], unique=False)
    op.create_table('task',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=True),
    sa.Column('flow_id', sa.String(36), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('slug', sa.Text(), nullable=True),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('type', sa.Text(), nullable=True),
    sa.Column('max_retries', sa.Integer(), nullable=True),
    sa.Column('retry_delay', sa.BigInteger(), nullable=True),
    sa.Column('trigger', sa.Text(), nullable=True),
    sa.Column('mapped', sa.Boolean(), nullable=False),
    sa.Column('auto_generated', sa.Boolean(), nullable=False),
    sa.Column('cache_key', sa.Text(), nullable=True),
    sa.Column('is_root_task', sa.Boolean(), nullable=False),
    sa.Column('is_terminal_task', sa.Boolean(), nullable=False),
    sa.Column('is_reference_task', sa.Boolean(), nullable=False),
    sa.Column('tags', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['flow_id'], ['flow.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('flow_id', 'slug', name='task_flow_id_slug_key')
    )
    op.create_table('edge',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=True),
    sa.Column('flow_id', sa.String(36), nullable=False),
    sa.Column('upstream_task_id', sa.String(36), nullable=False),
    sa.Column('downstream_task_id', sa.String(36), nullable=False),
    sa.Column('key', sa.Text(), nullable=True),
    sa.Column('mapped', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['downstream_task_id'], ['task.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['flow_id'], ['flow.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['upstream_task_id'], ['task.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('flow_id', 'upstream_task_id', 'downstream_task_id', 'key', name='edge_flow_id_task_ids_key')
    )
    op.create_index('ix_edge_downstream_task_id', 'edge', ['downstream_task_id'], unique=False)
    op.create_index('ix_edge_upstream_task_id', 'edge', ['upstream_task_id'], unique=False)
    op.create_table('flow_run_state',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=True),
    sa.Column('flow_run_id', sa.String(36), nullable=False),
    sa.Column('timestamp', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=True),
    sa.Column('result', sa.Text(), nullable=True),
    sa.Column('start_time', sa.BigInteger(), nullable=True),
    sa.Column('serialized_state', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['flow_run_id'], ['flow_run.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_flow_run_state_flow_run_id', 'flow_run_state', ['flow_run_id', 'version'], unique=False)
    op.create_table('task_run',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=True),
    sa.Column('flow_run_id', sa.String(36), nullable=False),
    sa.Column('task_id', sa.String(36), nullable=False),
    sa.Column('map_index', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('cache_key', sa.Text(), nullable=True),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('heartbeat', sa.BigInteger(), nullable=True),
    sa.Column('start_time', sa.BigInteger(), nullable=True),
    sa.Column('end_time', sa.BigInteger(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('state_timestamp', sa.BigInteger(), nullable=True),
    sa.Column('state_message', sa.Text(), nullable=True),
    sa.Column('state_result', sa.Text(), nullable=True),
    sa.Column('state_start_time', sa.BigInteger(), nullable=True),
    sa.Column('serialized_state', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['flow_run_id'], ['flow_run.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('flow_run_id', 'task_id', 'map_index', name='task_run_unique_identifier_key')
    )
    op.create_index('ix_task_run_state', 'task_run', ['state', 'state_start_time'], unique=False)
    op.create_index('ix_task_run_task_id', 'task_run', ['task_id'], unique=False)
    op.create_table('log',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=True),
    sa.Column('flow_run_id', sa.String(36), nullable=True),
    sa.Column('task_run_id', sa.String(36), nullable=True),
    sa.Column('timestamp', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('level', sa.Text(), nullable=True),
    sa.Column('message', sa.Text(), nullable=True),
    sa.Column('info', sa.Text(), nullable=True),
    sa.Column('is_loaded_from_archive', sa.Boolean(), nullable=True),
    sa.ForeignKeyConstraint(['flow_run_id'], ['flow_run.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['task_run_id'], ['task_run.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_log_flow_run_id', 'log', ['flow_run_id', 'timestamp'], unique=False)
    op.create_index('ix_log_task_run_id', 'log', ['task_run_id'], unique=False)
    op.create_table('task_run_artifact',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=False),
    sa.Column('task_run_id', sa.String(36), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('data', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['task_run_id'], ['task_run.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_task_run_artifact_task_run_id', 'task_run_artifact', ['task_run_id'], unique=False)
    op.create_table('task_run_state',
    sa.Column('id', sa.String(36), nullable=False),
    sa.Column('created', sa.BigInteger(), nullable=False),
    sa.Column('updated', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.String(36), nullable=True),
    sa.Column('task_run_id', sa.String(36), nullable=False),
    sa.Column('timestamp', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=True),
    sa.Column('result', sa.Text(), nullable=True),
    sa.Column('start_time', sa.BigInteger(), nullable=True),
    sa.Column('serialized_state', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['task_run_id'], ['task_run.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_task_run_state_task_run_id', 'task_run_state', ['task_run_id', 'version'], unique=False)


def downgrade() -> None:
    for table in ['task_run_state', 'task_run_artifact', 'log', 'task_run', 'flow_run_state', 'edge', 'task', 'flow_run', 'flow', 'agent', 'project', 'flow_group', 'agent_config', 'tenant']:
        op.drop_table(table)
