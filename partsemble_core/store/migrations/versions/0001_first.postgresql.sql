CREATE TABLE backend_settings (
	id BIGSERIAL NOT NULL,
	backend TEXT NOT NULL,
	name TEXT NOT NULL,
	row_key TEXT NOT NULL,
	value_sealed TEXT NOT NULL,
	set_by TEXT NOT NULL,
	set_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_backend_settings PRIMARY KEY (id),
	CONSTRAINT uq_backend_settings_backend_name UNIQUE (backend, name)
)
--;;
CREATE TABLE companies (
	id BIGSERIAL NOT NULL,
	name TEXT NOT NULL,
	currency TEXT NOT NULL,
	decimals INTEGER NOT NULL,
	timezone TEXT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_companies PRIMARY KEY (id),
	CONSTRAINT ck_companies_decimals_known CHECK (decimals BETWEEN 0 AND 4)
)
--;;
CREATE TABLE grants (
	id BIGSERIAL NOT NULL,
	backend TEXT NOT NULL,
	client_id TEXT NOT NULL,
	subject TEXT NOT NULL,
	token_url TEXT NOT NULL,
	revoke_url TEXT NOT NULL,
	grace_seconds INTEGER NOT NULL,
	state TEXT NOT NULL,
	lease_owner TEXT,
	lease_epoch INTEGER NOT NULL,
	lease_until TIMESTAMP WITH TIME ZONE,
	quarantine_until TIMESTAMP WITH TIME ZONE,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_grants PRIMARY KEY (id),
	CONSTRAINT uq_grants_backend_client_id_subject UNIQUE (backend, client_id, subject),
	CONSTRAINT ck_grants_state_known CHECK (state IN ('active', 'in_doubt', 'reconnect_needed', 'ended'))
)
--;;
CREATE TABLE heard_messages (
	id BIGSERIAL NOT NULL,
	backend TEXT NOT NULL,
	body BYTEA NOT NULL,
	body_sha256 TEXT NOT NULL,
	first_sequence BIGINT,
	last_sequence BIGINT,
	events INTEGER NOT NULL,
	strangers INTEGER NOT NULL,
	problem TEXT NOT NULL,
	received_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_heard_messages PRIMARY KEY (id),
	CONSTRAINT uq_heard_messages_backend_body_sha256 UNIQUE (backend, body_sha256)
)
--;;
CREATE INDEX ix_heard_messages_received_at ON heard_messages (received_at)
--;;
CREATE TABLE rate_buckets (
	id BIGSERIAL NOT NULL,
	whose TEXT NOT NULL,
	held_until TIMESTAMP WITH TIME ZONE,
	in_day INTEGER NOT NULL,
	day_ends_at TIMESTAMP WITH TIME ZONE,
	day_told INTEGER,
	day_told_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_rate_buckets PRIMARY KEY (id),
	CONSTRAINT uq_rate_buckets_whose UNIQUE (whose)
)
--;;
CREATE TABLE rate_calls (
	id BIGSERIAL NOT NULL,
	organisation TEXT NOT NULL,
	backend TEXT NOT NULL,
	under_way_until TIMESTAMP WITH TIME ZONE NOT NULL,
	counts_until TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_rate_calls PRIMARY KEY (id)
)
--;;
CREATE INDEX ix_rate_calls_backend ON rate_calls (backend, counts_until)
--;;
CREATE INDEX ix_rate_calls_organisation ON rate_calls (organisation, counts_until)
--;;
CREATE TABLE set_up_codes (
	id BIGSERIAL NOT NULL,
	code_sha256 TEXT NOT NULL,
	made_at TIMESTAMP WITH TIME ZONE NOT NULL,
	used_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_set_up_codes PRIMARY KEY (id),
	CONSTRAINT uq_set_up_codes_code_sha256 UNIQUE (code_sha256)
)
--;;
CREATE TABLE users (
	id BIGSERIAL NOT NULL,
	email TEXT NOT NULL,
	name TEXT NOT NULL,
	password_hash TEXT NOT NULL,
	is_active BOOLEAN NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	second_factor_sealed TEXT,
	second_factor_key TEXT NOT NULL,
	second_factor_since TIMESTAMP WITH TIME ZONE,
	second_factor_step BIGINT,
	locale TEXT,
	CONSTRAINT pk_users PRIMARY KEY (id),
	CONSTRAINT uq_users_email UNIQUE (email)
)
--;;
CREATE TABLE audit_entries (
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	by TEXT NOT NULL,
	door TEXT NOT NULL,
	address TEXT NOT NULL,
	action TEXT NOT NULL,
	kind TEXT NOT NULL,
	subject_id BIGINT,
	subject TEXT NOT NULL,
	changes TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_audit_entries PRIMARY KEY (id),
	CONSTRAINT ck_audit_entries_door_known CHECK (door IN ('console', 'api', 'cli', 'worker')),
	CONSTRAINT ck_audit_entries_action_known CHECK (action IN ('added', 'changed', 'removed')),
	CONSTRAINT uq_audit_entries_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_audit_entries_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_audit_entries_company_at ON audit_entries (company_id, at)
--;;
CREATE INDEX ix_audit_entries_subject ON audit_entries (company_id, kind, subject_id, id)
--;;
CREATE TABLE company_options (
	qa_review BOOLEAN NOT NULL,
	approver_differs BOOLEAN NOT NULL,
	reserve_stock BOOLEAN NOT NULL,
	block_expired BOOLEAN NOT NULL,
	draw_order TEXT NOT NULL,
	export_receipts TEXT NOT NULL,
	export_builds TEXT NOT NULL,
	export_adjustments TEXT NOT NULL,
	locked_through DATE,
	locked_after_entry_id BIGINT,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_company_options PRIMARY KEY (id),
	CONSTRAINT uq_company_options_company_id UNIQUE (company_id),
	CONSTRAINT ck_company_options_draw_order_known CHECK (draw_order IN ('fifo', 'fefo')),
	CONSTRAINT ck_company_options_export_receipts_known CHECK (export_receipts IN ('automatic', 'manual')),
	CONSTRAINT ck_company_options_export_builds_known CHECK (export_builds IN ('automatic', 'manual')),
	CONSTRAINT ck_company_options_export_adjustments_known CHECK (export_adjustments IN ('automatic', 'manual')),
	CONSTRAINT uq_company_options_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_company_options_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE connections (
	backend TEXT NOT NULL,
	organisation_id TEXT NOT NULL,
	organisation_name TEXT NOT NULL,
	base_currency TEXT NOT NULL,
	link_id TEXT NOT NULL,
	grant_id BIGINT,
	state TEXT NOT NULL,
	inventory_mode TEXT NOT NULL,
	locked_through DATE,
	paused_until TIMESTAMP WITH TIME ZONE,
	troubles INTEGER NOT NULL,
	items_synced_at TIMESTAMP WITH TIME ZONE,
	contacts_synced_at TIMESTAMP WITH TIME ZONE,
	heard_since TIMESTAMP WITH TIME ZONE,
	problem TEXT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_connections PRIMARY KEY (id),
	CONSTRAINT uq_connections_company_id_backend_organisation_id UNIQUE (company_id, backend, organisation_id),
	CONSTRAINT ck_connections_state_known CHECK (state IN ('setup', 'active', 'reconnect_needed', 'disconnected')),
	CONSTRAINT ck_connections_inventory_mode_known CHECK (inventory_mode IN ('journal_only', 'quantity_sync')),
	CONSTRAINT uq_connections_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_connections_grant_id FOREIGN KEY(grant_id) REFERENCES grants (id),
	CONSTRAINT fk_connections_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE UNIQUE INDEX uq_connections_one_live ON connections (company_id) WHERE state <> 'disconnected'
--;;
CREATE TABLE counters (
	name TEXT NOT NULL,
	last INTEGER NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_counters PRIMARY KEY (id),
	CONSTRAINT uq_counters_company_id_name UNIQUE (company_id, name),
	CONSTRAINT uq_counters_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_counters_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE event_endpoints (
	url TEXT NOT NULL,
	row_key TEXT NOT NULL,
	secret_sealed TEXT NOT NULL,
	kinds TEXT NOT NULL,
	is_active BOOLEAN NOT NULL,
	created_by TEXT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_event_endpoints PRIMARY KEY (id),
	CONSTRAINT uq_event_endpoints_company_id_url UNIQUE (company_id, url),
	CONSTRAINT uq_event_endpoints_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_event_endpoints_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE invitations (
	email TEXT NOT NULL,
	role TEXT NOT NULL,
	token_sha256 TEXT NOT NULL,
	invited_by TEXT NOT NULL,
	invited_at TIMESTAMP WITH TIME ZONE NOT NULL,
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
	accepted_at TIMESTAMP WITH TIME ZONE,
	revoked_at TIMESTAMP WITH TIME ZONE,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_invitations PRIMARY KEY (id),
	CONSTRAINT ck_invitations_role_known CHECK (role IN ('admin', 'accountant', 'builder', 'viewer')),
	CONSTRAINT uq_invitations_company_id_id UNIQUE (company_id, id),
	CONSTRAINT uq_invitations_token_sha256 UNIQUE (token_sha256),
	CONSTRAINT fk_invitations_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE memberships (
	user_id BIGINT NOT NULL,
	role TEXT NOT NULL,
	is_active BOOLEAN NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_memberships PRIMARY KEY (id),
	CONSTRAINT uq_memberships_company_id_user_id UNIQUE (company_id, user_id),
	CONSTRAINT ck_memberships_role_known CHECK (role IN ('owner', 'admin', 'accountant', 'builder', 'viewer')),
	CONSTRAINT uq_memberships_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_memberships_user_id FOREIGN KEY(user_id) REFERENCES users (id),
	CONSTRAINT fk_memberships_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE UNIQUE INDEX uq_memberships_one_owner ON memberships (company_id) WHERE role = 'owner'
--;;
CREATE TABLE month_ends (
	month_end_on DATE NOT NULL,
	through_entry_id BIGINT NOT NULL,
	last_recorded_at TIMESTAMP WITH TIME ZONE,
	value BIGINT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_month_ends PRIMARY KEY (id),
	CONSTRAINT uq_month_ends_company_id_month_end_on UNIQUE (company_id, month_end_on),
	CONSTRAINT ck_month_ends_value_bounded CHECK (value > -1000000000000000000 AND value < 1000000000000000000),
	CONSTRAINT uq_month_ends_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_month_ends_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE password_resets (
	id BIGSERIAL NOT NULL,
	user_id BIGINT NOT NULL,
	token_sha256 TEXT NOT NULL,
	asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
	used_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_password_resets PRIMARY KEY (id),
	CONSTRAINT fk_password_resets_user_id FOREIGN KEY(user_id) REFERENCES users (id),
	CONSTRAINT uq_password_resets_token_sha256 UNIQUE (token_sha256)
)
--;;
CREATE TABLE products (
	sku TEXT NOT NULL,
	sku_key TEXT NOT NULL,
	name TEXT NOT NULL,
	kind TEXT NOT NULL,
	unit TEXT NOT NULL,
	reorder_point BIGINT NOT NULL,
	build_point BIGINT,
	build_target BIGINT,
	weight BIGINT,
	notes TEXT NOT NULL,
	is_active BOOLEAN NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_products PRIMARY KEY (id),
	CONSTRAINT uq_products_company_id_sku_key UNIQUE (company_id, sku_key),
	CONSTRAINT ck_products_kind_known CHECK (kind IN ('raw_material', 'component', 'sub_assembly', 'finished_good')),
	CONSTRAINT ck_products_reorder_point_bounded CHECK (reorder_point >= 0 AND reorder_point < 1000000000000000),
	CONSTRAINT ck_products_build_point_bounded CHECK (build_point IS NULL OR (build_point >= 0 AND build_point < 1000000000000000)),
	CONSTRAINT ck_products_build_target_bounded CHECK (build_target IS NULL OR (build_target >= 0 AND build_target < 1000000000000000)),
	CONSTRAINT ck_products_weight_bounded CHECK (weight IS NULL OR (weight >= 0 AND weight < 1000000000000000)),
	CONSTRAINT uq_products_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_products_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE reconcile_runs (
	asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
	asked_by TEXT NOT NULL,
	compared_on DATE NOT NULL,
	organisation TEXT NOT NULL,
	verdict TEXT NOT NULL,
	stock BIGINT NOT NULL,
	posted BIGINT NOT NULL,
	books BIGINT,
	difference BIGINT NOT NULL,
	unexplained BIGINT NOT NULL,
	problem TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_reconcile_runs PRIMARY KEY (id),
	CONSTRAINT ck_reconcile_runs_verdict_known CHECK (verdict IN ('agrees', 'differs', 'unknown')),
	CONSTRAINT ck_reconcile_runs_stock_bounded CHECK (stock > -1000000000000000000 AND stock < 1000000000000000000),
	CONSTRAINT ck_reconcile_runs_posted_bounded CHECK (posted > -1000000000000000000 AND posted < 1000000000000000000),
	CONSTRAINT ck_reconcile_runs_difference_bounded CHECK (difference > -1000000000000000000 AND difference < 1000000000000000000),
	CONSTRAINT ck_reconcile_runs_unexplained_bounded CHECK (unexplained > -1000000000000000000 AND unexplained < 1000000000000000000),
	CONSTRAINT ck_reconcile_runs_books_bounded CHECK (books IS NULL OR (books > -1000000000000000000 AND books < 1000000000000000000)),
	CONSTRAINT ck_reconcile_runs_verdict_needs_books CHECK ((verdict = 'unknown') = (books IS NULL)),
	CONSTRAINT uq_reconcile_runs_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_reconcile_runs_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_reconcile_runs_asked ON reconcile_runs (company_id, asked_at)
--;;
CREATE TABLE recovery_codes (
	id BIGSERIAL NOT NULL,
	user_id BIGINT NOT NULL,
	code_sha256 TEXT NOT NULL,
	used_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_recovery_codes PRIMARY KEY (id),
	CONSTRAINT fk_recovery_codes_user_id FOREIGN KEY(user_id) REFERENCES users (id)
)
--;;
CREATE INDEX ix_recovery_codes_user ON recovery_codes (user_id)
--;;
CREATE TABLE refresh_tries (
	id BIGSERIAL NOT NULL,
	grant_id BIGINT NOT NULL,
	epoch INTEGER NOT NULL,
	used_sequence INTEGER NOT NULL,
	sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
	outcome TEXT,
	CONSTRAINT pk_refresh_tries PRIMARY KEY (id),
	CONSTRAINT fk_refresh_tries_grant_id FOREIGN KEY(grant_id) REFERENCES grants (id)
)
--;;
CREATE INDEX ix_refresh_tries_grant_id ON refresh_tries (grant_id)
--;;
CREATE TABLE reversals (
	number INTEGER NOT NULL,
	reference TEXT NOT NULL,
	document_kind TEXT NOT NULL,
	document_id BIGINT NOT NULL,
	reversed_reference TEXT NOT NULL,
	reason TEXT NOT NULL,
	reversed_on DATE NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	created_by TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_reversals PRIMARY KEY (id),
	CONSTRAINT uq_reversals_company_id_number UNIQUE (company_id, number),
	CONSTRAINT uq_reversals_company_id_document_kind_document_id UNIQUE (company_id, document_kind, document_id),
	CONSTRAINT ck_reversals_document_kind_known CHECK (document_kind IN ('receipt', 'build', 'adjustment')),
	CONSTRAINT uq_reversals_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_reversals_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE sign_in_flows (
	backend TEXT NOT NULL,
	state_sha256 TEXT NOT NULL,
	session_key TEXT NOT NULL,
	verifier_sealed TEXT NOT NULL,
	redirect_uri TEXT NOT NULL,
	begun_by TEXT NOT NULL,
	begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
	used_at TIMESTAMP WITH TIME ZONE,
	grant_id BIGINT,
	offered JSON NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_sign_in_flows PRIMARY KEY (id),
	CONSTRAINT uq_sign_in_flows_company_id_id UNIQUE (company_id, id),
	CONSTRAINT uq_sign_in_flows_state_sha256 UNIQUE (state_sha256),
	CONSTRAINT fk_sign_in_flows_grant_id FOREIGN KEY(grant_id) REFERENCES grants (id),
	CONSTRAINT fk_sign_in_flows_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE stock_counts (
	number INTEGER NOT NULL,
	reference TEXT NOT NULL,
	state TEXT NOT NULL,
	counted_on DATE NOT NULL,
	notes TEXT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	created_by TEXT NOT NULL,
	confirmed_at TIMESTAMP WITH TIME ZONE,
	confirmed_by TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_stock_counts PRIMARY KEY (id),
	CONSTRAINT uq_stock_counts_company_id_number UNIQUE (company_id, number),
	CONSTRAINT ck_stock_counts_state_known CHECK (state IN ('draft', 'confirmed', 'cancelled')),
	CONSTRAINT uq_stock_counts_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_stock_counts_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE suppliers (
	code TEXT NOT NULL,
	name TEXT NOT NULL,
	contact TEXT NOT NULL,
	email TEXT NOT NULL,
	phone TEXT NOT NULL,
	is_active BOOLEAN NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_suppliers PRIMARY KEY (id),
	CONSTRAINT uq_suppliers_company_id_code UNIQUE (company_id, code),
	CONSTRAINT uq_suppliers_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_suppliers_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE token_sets (
	id BIGSERIAL NOT NULL,
	grant_id BIGINT NOT NULL,
	sequence INTEGER NOT NULL,
	row_key TEXT NOT NULL,
	access_sealed TEXT NOT NULL,
	refresh_sealed TEXT NOT NULL,
	scope TEXT NOT NULL,
	access_expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
	received_at TIMESTAMP WITH TIME ZONE NOT NULL,
	state TEXT NOT NULL,
	CONSTRAINT pk_token_sets PRIMARY KEY (id),
	CONSTRAINT uq_token_sets_grant_id_sequence UNIQUE (grant_id, sequence),
	CONSTRAINT ck_token_sets_state_known CHECK (state IN ('current', 'superseded', 'dead')),
	CONSTRAINT fk_token_sets_grant_id FOREIGN KEY(grant_id) REFERENCES grants (id)
)
--;;
CREATE TABLE true_ups (
	number INTEGER NOT NULL,
	reference TEXT NOT NULL,
	amount BIGINT NOT NULL,
	trued_up_on DATE NOT NULL,
	reverses_id BIGINT,
	reason TEXT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	created_by TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_true_ups PRIMARY KEY (id),
	CONSTRAINT fk_true_ups_company_id_reverses_id FOREIGN KEY(company_id, reverses_id) REFERENCES true_ups (company_id, id),
	CONSTRAINT uq_true_ups_company_id_number UNIQUE (company_id, number),
	CONSTRAINT uq_true_ups_company_id_reverses_id UNIQUE (company_id, reverses_id),
	CONSTRAINT ck_true_ups_amount_bounded CHECK (amount > -1000000000000000 AND amount < 1000000000000000),
	CONSTRAINT ck_true_ups_amount_moves CHECK (amount <> 0),
	CONSTRAINT uq_true_ups_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_true_ups_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE adjustments (
	number INTEGER NOT NULL,
	reference TEXT NOT NULL,
	product_id BIGINT NOT NULL,
	lot_id BIGINT,
	quantity BIGINT NOT NULL,
	cost BIGINT NOT NULL,
	reason TEXT NOT NULL,
	notes TEXT NOT NULL,
	is_opening BOOLEAN NOT NULL,
	count_id BIGINT,
	adjusted_on DATE NOT NULL,
	state TEXT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	created_by TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_adjustments PRIMARY KEY (id),
	CONSTRAINT fk_adjustments_company_id_product_id FOREIGN KEY(company_id, product_id) REFERENCES products (company_id, id),
	CONSTRAINT fk_adjustments_company_id_count_id FOREIGN KEY(company_id, count_id) REFERENCES stock_counts (company_id, id),
	CONSTRAINT uq_adjustments_company_id_number UNIQUE (company_id, number),
	CONSTRAINT ck_adjustments_reason_known CHECK (reason IN ('count_correction', 'breakage', 'loss', 'other')),
	CONSTRAINT ck_adjustments_state_known CHECK (state IN ('confirmed', 'reversed')),
	CONSTRAINT ck_adjustments_quantity_bounded CHECK (quantity > -1000000000000000 AND quantity < 1000000000000000),
	CONSTRAINT ck_adjustments_cost_bounded CHECK (cost > -1000000000000000 AND cost < 1000000000000000),
	CONSTRAINT ck_adjustments_quantity_changes CHECK (quantity <> 0),
	CONSTRAINT uq_adjustments_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_adjustments_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE api_tokens (
	membership_id BIGINT NOT NULL,
	name TEXT NOT NULL,
	role TEXT,
	token_sha256 TEXT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	expires_at TIMESTAMP WITH TIME ZONE,
	used_at TIMESTAMP WITH TIME ZONE,
	revoked_at TIMESTAMP WITH TIME ZONE,
	issued_by_token_id BIGINT,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_api_tokens PRIMARY KEY (id),
	CONSTRAINT fk_api_tokens_company_id_membership_id FOREIGN KEY(company_id, membership_id) REFERENCES memberships (company_id, id),
	CONSTRAINT fk_api_tokens_company_id_issued_by_token_id FOREIGN KEY(company_id, issued_by_token_id) REFERENCES api_tokens (company_id, id),
	CONSTRAINT ck_api_tokens_role_known CHECK (role IN ('owner', 'admin', 'accountant', 'builder', 'viewer')),
	CONSTRAINT uq_api_tokens_company_id_id UNIQUE (company_id, id),
	CONSTRAINT uq_api_tokens_token_sha256 UNIQUE (token_sha256),
	CONSTRAINT fk_api_tokens_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_api_tokens_issuer ON api_tokens (company_id, issued_by_token_id)
--;;
CREATE TABLE backend_records (
	connection_id BIGINT NOT NULL,
	kind TEXT NOT NULL,
	key TEXT NOT NULL,
	sequence INTEGER NOT NULL,
	body JSON NOT NULL,
	recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_backend_records PRIMARY KEY (id),
	CONSTRAINT fk_backend_records_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT uq_backend_records_company_id_connection_id_kind_key UNIQUE (company_id, connection_id, kind, key),
	CONSTRAINT uq_backend_records_company_id_connection_id_kind_sequence UNIQUE (company_id, connection_id, kind, sequence),
	CONSTRAINT uq_backend_records_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_backend_records_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE boms (
	product_id BIGINT NOT NULL,
	version INTEGER NOT NULL,
	state TEXT NOT NULL,
	output_quantity BIGINT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	created_by TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_boms PRIMARY KEY (id),
	CONSTRAINT fk_boms_company_id_product_id FOREIGN KEY(company_id, product_id) REFERENCES products (company_id, id),
	CONSTRAINT uq_boms_company_id_product_id_version UNIQUE (company_id, product_id, version),
	CONSTRAINT ck_boms_state_known CHECK (state IN ('draft', 'active', 'archived')),
	CONSTRAINT ck_boms_output_quantity_bounded CHECK (output_quantity >= 1 AND output_quantity < 1000000000000000),
	CONSTRAINT uq_boms_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_boms_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE UNIQUE INDEX uq_boms_one_active ON boms (company_id, product_id) WHERE state = 'active'
--;;
CREATE TABLE event_deliveries (
	endpoint_id BIGINT NOT NULL,
	event_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	body BYTEA NOT NULL,
	state TEXT NOT NULL,
	attempts INTEGER NOT NULL,
	not_before TIMESTAMP WITH TIME ZONE NOT NULL,
	lease_until TIMESTAMP WITH TIME ZONE,
	last_status INTEGER,
	problem TEXT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	ended_at TIMESTAMP WITH TIME ZONE,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_event_deliveries PRIMARY KEY (id),
	CONSTRAINT fk_event_deliveries_company_id_endpoint_id FOREIGN KEY(company_id, endpoint_id) REFERENCES event_endpoints (company_id, id),
	CONSTRAINT uq_event_deliveries_company_id_endpoint_id_event_id UNIQUE (company_id, endpoint_id, event_id),
	CONSTRAINT ck_event_deliveries_kind_known CHECK (kind IN ('build.completed', 'export.posted', 'export.failed', 'stock.low', 'test')),
	CONSTRAINT ck_event_deliveries_state_known CHECK (state IN ('waiting', 'delivered', 'given_up')),
	CONSTRAINT ck_event_deliveries_ended_has_a_time CHECK ((state = 'waiting') = (ended_at IS NULL)),
	CONSTRAINT uq_event_deliveries_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_event_deliveries_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_event_deliveries_due ON event_deliveries (state, not_before)
--;;
CREATE TABLE exports (
	connection_id BIGINT NOT NULL,
	backend TEXT NOT NULL,
	document_kind TEXT NOT NULL,
	document_id BIGINT NOT NULL,
	reference TEXT NOT NULL,
	token TEXT NOT NULL,
	body BYTEA NOT NULL,
	body_sha256 TEXT NOT NULL,
	state TEXT NOT NULL,
	doubt TEXT NOT NULL,
	external_id TEXT,
	after_export_id BIGINT,
	exact BIGINT NOT NULL,
	posted BIGINT NOT NULL,
	rounding BIGINT NOT NULL,
	stock_accounts JSON NOT NULL,
	problem TEXT NOT NULL,
	not_before TIMESTAMP WITH TIME ZONE NOT NULL,
	attempts INTEGER NOT NULL,
	priority INTEGER NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	posted_at TIMESTAMP WITH TIME ZONE,
	tidied_at TIMESTAMP WITH TIME ZONE,
	is_replaced BOOLEAN NOT NULL,
	lease_owner TEXT,
	lease_epoch INTEGER NOT NULL,
	lease_until TIMESTAMP WITH TIME ZONE,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_exports PRIMARY KEY (id),
	CONSTRAINT fk_exports_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT fk_exports_company_id_after_export_id FOREIGN KEY(company_id, after_export_id) REFERENCES exports (company_id, id),
	CONSTRAINT ck_exports_replaced_is_cancelled CHECK (NOT is_replaced OR state = 'cancelled'),
	CONSTRAINT uq_exports_company_id_connection_id_external_id UNIQUE (company_id, connection_id, external_id),
	CONSTRAINT ck_exports_state_known CHECK (state IN ('held', 'pending', 'creating', 'created', 'posting', 'posted', 'unknown', 'review', 'skipped', 'cancelled')),
	CONSTRAINT ck_exports_doubt_known CHECK (doubt IN ('', 'creating', 'posting')),
	CONSTRAINT ck_exports_document_kind_known CHECK (document_kind IN ('receipt', 'build', 'waste', 'adjustment', 'split', 'sale', 'reversal', 'true_up')),
	CONSTRAINT ck_exports_exact_bounded CHECK (exact > -1000000000000000000 AND exact < 1000000000000000000),
	CONSTRAINT ck_exports_posted_bounded CHECK (posted > -1000000000000000000 AND posted < 1000000000000000000),
	CONSTRAINT ck_exports_rounding_bounded CHECK (rounding > -1000000000000000000 AND rounding < 1000000000000000000),
	CONSTRAINT ck_exports_posted_has_a_time CHECK ((state = 'posted') = (posted_at IS NOT NULL)),
	CONSTRAINT ck_exports_posted_has_an_id CHECK (state <> 'posted' OR external_id IS NOT NULL),
	CONSTRAINT uq_exports_company_id_id UNIQUE (company_id, id),
	CONSTRAINT uq_exports_token UNIQUE (token),
	CONSTRAINT fk_exports_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_exports_document ON exports (company_id, document_kind, document_id)
--;;
CREATE INDEX ix_exports_due ON exports (state, not_before, priority, id)
--;;
CREATE INDEX ix_exports_state ON exports (company_id, state)
--;;
CREATE UNIQUE INDEX uq_exports_one_a_document ON exports (company_id, connection_id, document_kind, document_id) WHERE NOT is_replaced
--;;
CREATE TABLE receipts (
	number INTEGER,
	reference TEXT NOT NULL,
	supplier_id BIGINT NOT NULL,
	received_on DATE NOT NULL,
	state TEXT NOT NULL,
	notes TEXT NOT NULL,
	total_cost BIGINT NOT NULL,
	currency TEXT NOT NULL,
	rate BIGINT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	created_by TEXT NOT NULL,
	confirmed_at TIMESTAMP WITH TIME ZONE,
	confirmed_by TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_receipts PRIMARY KEY (id),
	CONSTRAINT fk_receipts_company_id_supplier_id FOREIGN KEY(company_id, supplier_id) REFERENCES suppliers (company_id, id),
	CONSTRAINT uq_receipts_company_id_number UNIQUE (company_id, number),
	CONSTRAINT ck_receipts_state_known CHECK (state IN ('draft', 'confirmed', 'reversed')),
	CONSTRAINT ck_receipts_total_cost_bounded CHECK (total_cost >= 0 AND total_cost < 1000000000000000),
	CONSTRAINT ck_receipts_rate_bounded CHECK (rate >= 1 AND rate < 1000000000000000),
	CONSTRAINT uq_receipts_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_receipts_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE remote_accounts (
	connection_id BIGINT NOT NULL,
	external_id TEXT NOT NULL,
	code TEXT NOT NULL,
	name TEXT NOT NULL,
	classification TEXT NOT NULL,
	native_type TEXT NOT NULL,
	is_usable BOOLEAN NOT NULL,
	why_not TEXT NOT NULL,
	warning TEXT NOT NULL,
	is_gone BOOLEAN NOT NULL,
	synced_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_remote_accounts PRIMARY KEY (id),
	CONSTRAINT fk_remote_accounts_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT uq_remote_accounts_company_id_connection_id_external_id UNIQUE (company_id, connection_id, external_id),
	CONSTRAINT uq_remote_accounts_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_remote_accounts_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE remote_contacts (
	connection_id BIGINT NOT NULL,
	external_id TEXT NOT NULL,
	name TEXT NOT NULL,
	email TEXT NOT NULL,
	is_supplier BOOLEAN NOT NULL,
	is_customer BOOLEAN NOT NULL,
	is_gone BOOLEAN NOT NULL,
	synced_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_remote_contacts PRIMARY KEY (id),
	CONSTRAINT fk_remote_contacts_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT uq_remote_contacts_company_id_connection_id_external_id UNIQUE (company_id, connection_id, external_id),
	CONSTRAINT uq_remote_contacts_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_remote_contacts_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE remote_items (
	connection_id BIGINT NOT NULL,
	external_id TEXT NOT NULL,
	code TEXT NOT NULL,
	code_key TEXT NOT NULL,
	name TEXT NOT NULL,
	is_tracked BOOLEAN NOT NULL,
	tracked_in TEXT NOT NULL,
	is_gone BOOLEAN NOT NULL,
	synced_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_remote_items PRIMARY KEY (id),
	CONSTRAINT fk_remote_items_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT uq_remote_items_company_id_connection_id_external_id UNIQUE (company_id, connection_id, external_id),
	CONSTRAINT uq_remote_items_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_remote_items_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_remote_items_tracked ON remote_items (company_id, connection_id) WHERE is_tracked IS true
--;;
CREATE TABLE remote_sales (
	connection_id BIGINT NOT NULL,
	external_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	status TEXT NOT NULL,
	number TEXT NOT NULL,
	date DATE NOT NULL,
	contact_id TEXT NOT NULL,
	contact_name TEXT NOT NULL,
	currency TEXT NOT NULL,
	rate TEXT NOT NULL,
	net BIGINT NOT NULL,
	problem TEXT NOT NULL,
	updated_at TIMESTAMP WITH TIME ZONE,
	synced_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_remote_sales PRIMARY KEY (id),
	CONSTRAINT fk_remote_sales_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT uq_remote_sales_company_id_connection_id_external_id UNIQUE (company_id, connection_id, external_id),
	CONSTRAINT ck_remote_sales_kind_known CHECK (kind IN ('invoice', 'receipt', 'credit')),
	CONSTRAINT ck_remote_sales_status_known CHECK (status IN ('draft', 'open', 'paid', 'voided', 'deleted')),
	CONSTRAINT ck_remote_sales_net_bounded CHECK (net > -1000000000000000000 AND net < 1000000000000000000),
	CONSTRAINT uq_remote_sales_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_remote_sales_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_remote_sales_by_day ON remote_sales (company_id, date, id)
--;;
CREATE TABLE remote_tracking (
	connection_id BIGINT NOT NULL,
	external_id TEXT NOT NULL,
	name TEXT NOT NULL,
	category_id TEXT NOT NULL,
	category TEXT NOT NULL,
	is_active BOOLEAN NOT NULL,
	is_gone BOOLEAN NOT NULL,
	synced_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_remote_tracking PRIMARY KEY (id),
	CONSTRAINT fk_remote_tracking_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT uq_remote_tracking_company_id_connection_id_external_id UNIQUE (company_id, connection_id, external_id),
	CONSTRAINT uq_remote_tracking_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_remote_tracking_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE sign_ins (
	membership_id BIGINT NOT NULL,
	email TEXT NOT NULL,
	key_sha256 TEXT NOT NULL,
	begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
	ended_at TIMESTAMP WITH TIME ZONE,
	address TEXT NOT NULL,
	agent TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_sign_ins PRIMARY KEY (id),
	CONSTRAINT fk_sign_ins_company_id_membership_id FOREIGN KEY(company_id, membership_id) REFERENCES memberships (company_id, id),
	CONSTRAINT uq_sign_ins_company_id_id UNIQUE (company_id, id),
	CONSTRAINT uq_sign_ins_key_sha256 UNIQUE (key_sha256),
	CONSTRAINT fk_sign_ins_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_sign_ins_membership ON sign_ins (company_id, membership_id)
--;;
CREATE TABLE stock_balances (
	product_id BIGINT NOT NULL,
	quantity BIGINT NOT NULL,
	value BIGINT NOT NULL,
	last_unit_cost BIGINT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_stock_balances PRIMARY KEY (id),
	CONSTRAINT fk_stock_balances_company_id_product_id FOREIGN KEY(company_id, product_id) REFERENCES products (company_id, id),
	CONSTRAINT uq_stock_balances_company_id_product_id UNIQUE (company_id, product_id),
	CONSTRAINT ck_stock_balances_quantity_bounded CHECK (quantity >= 0 AND quantity < 1000000000000000000),
	CONSTRAINT ck_stock_balances_value_bounded CHECK (value >= 0 AND value < 1000000000000000000),
	CONSTRAINT ck_stock_balances_last_unit_cost_bounded CHECK (last_unit_cost >= 0 AND last_unit_cost < 1000000000000000),
	CONSTRAINT uq_stock_balances_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_stock_balances_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE supplier_contacts (
	supplier_id BIGINT NOT NULL,
	connection_id BIGINT NOT NULL,
	key TEXT NOT NULL,
	state TEXT NOT NULL,
	external_id TEXT NOT NULL,
	message TEXT NOT NULL,
	changed_by TEXT NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_supplier_contacts PRIMARY KEY (id),
	CONSTRAINT fk_supplier_contacts_company_id_supplier_id FOREIGN KEY(company_id, supplier_id) REFERENCES suppliers (company_id, id),
	CONSTRAINT fk_supplier_contacts_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT uq_supplier_contacts_company_id_supplier_id_connection_id UNIQUE (company_id, supplier_id, connection_id),
	CONSTRAINT uq_supplier_contacts_company_id_key UNIQUE (company_id, key),
	CONSTRAINT ck_supplier_contacts_state_known CHECK (state IN ('pending', 'linked', 'conflict', 'refused', 'unlinked')),
	CONSTRAINT ck_supplier_contacts_linked_has_an_id CHECK (state <> 'linked' OR external_id <> ''),
	CONSTRAINT uq_supplier_contacts_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_supplier_contacts_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_supplier_contacts_external ON supplier_contacts (company_id, connection_id, external_id)
--;;
CREATE TABLE supplier_parts (
	supplier_id BIGINT NOT NULL,
	product_id BIGINT NOT NULL,
	part_number TEXT NOT NULL,
	purchase_unit TEXT NOT NULL,
	per_purchase_unit BIGINT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_supplier_parts PRIMARY KEY (id),
	CONSTRAINT fk_supplier_parts_company_id_supplier_id FOREIGN KEY(company_id, supplier_id) REFERENCES suppliers (company_id, id),
	CONSTRAINT fk_supplier_parts_company_id_product_id FOREIGN KEY(company_id, product_id) REFERENCES products (company_id, id),
	CONSTRAINT uq_supplier_parts_company_id_supplier_id_product_id UNIQUE (company_id, supplier_id, product_id),
	CONSTRAINT ck_supplier_parts_per_purchase_unit_bounded CHECK (per_purchase_unit >= 1 AND per_purchase_unit < 1000000000000000),
	CONSTRAINT uq_supplier_parts_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_supplier_parts_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE sync_cursors (
	connection_id BIGINT NOT NULL,
	kind TEXT NOT NULL,
	cursor TEXT NOT NULL,
	saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_sync_cursors PRIMARY KEY (id),
	CONSTRAINT fk_sync_cursors_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT uq_sync_cursors_company_id_connection_id_kind UNIQUE (company_id, connection_id, kind),
	CONSTRAINT ck_sync_cursors_kind_known CHECK (kind IN ('accounts', 'items', 'contacts', 'sales')),
	CONSTRAINT uq_sync_cursors_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_sync_cursors_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE sync_runs (
	connection_id BIGINT NOT NULL,
	kind TEXT NOT NULL,
	cause TEXT NOT NULL,
	state TEXT NOT NULL,
	started_by TEXT NOT NULL,
	started_at TIMESTAMP WITH TIME ZONE NOT NULL,
	ended_at TIMESTAMP WITH TIME ZONE,
	lease_owner TEXT,
	lease_until TIMESTAMP WITH TIME ZONE,
	records INTEGER NOT NULL,
	added INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	gone INTEGER NOT NULL,
	message TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_sync_runs PRIMARY KEY (id),
	CONSTRAINT fk_sync_runs_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT ck_sync_runs_kind_known CHECK (kind IN ('accounts', 'items', 'contacts', 'sales')),
	CONSTRAINT ck_sync_runs_state_known CHECK (state IN ('running', 'done', 'failed')),
	CONSTRAINT ck_sync_runs_cause_known CHECK (cause IN ('person', 'schedule', 'hook', 'command')),
	CONSTRAINT ck_sync_runs_ended_has_a_time CHECK ((state = 'running') = (ended_at IS NULL)),
	CONSTRAINT uq_sync_runs_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_sync_runs_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_sync_runs_latest ON sync_runs (company_id, connection_id, kind, id)
--;;
CREATE UNIQUE INDEX uq_sync_runs_one_at_a_time ON sync_runs (company_id, connection_id, kind) WHERE state = 'running'
--;;
CREATE TABLE sync_schedules (
	connection_id BIGINT NOT NULL,
	kind TEXT NOT NULL,
	every_minutes INTEGER NOT NULL,
	next_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_sync_schedules PRIMARY KEY (id),
	CONSTRAINT fk_sync_schedules_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT uq_sync_schedules_company_id_connection_id_kind UNIQUE (company_id, connection_id, kind),
	CONSTRAINT ck_sync_schedules_kind_known CHECK (kind IN ('accounts', 'items', 'contacts', 'sales')),
	CONSTRAINT ck_sync_schedules_every_minutes_sane CHECK (every_minutes BETWEEN 5 AND 10080),
	CONSTRAINT uq_sync_schedules_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_sync_schedules_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_sync_schedules_due ON sync_schedules (next_at)
--;;
CREATE TABLE account_mappings (
	connection_id BIGINT NOT NULL,
	role TEXT NOT NULL,
	remote_account_id BIGINT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_account_mappings PRIMARY KEY (id),
	CONSTRAINT fk_account_mappings_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT fk_account_mappings_company_id_remote_account_id FOREIGN KEY(company_id, remote_account_id) REFERENCES remote_accounts (company_id, id),
	CONSTRAINT uq_account_mappings_company_id_connection_id_role UNIQUE (company_id, connection_id, role),
	CONSTRAINT ck_account_mappings_role_known CHECK (role IN ('receiving_debit', 'receiving_credit', 'build_debit', 'build_credit', 'waste', 'applied_costs', 'cogs', 'finished_goods', 'rounding')),
	CONSTRAINT uq_account_mappings_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_account_mappings_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE bom_cost_lines (
	bom_id BIGINT NOT NULL,
	position INTEGER NOT NULL,
	kind TEXT NOT NULL,
	label TEXT NOT NULL,
	amount BIGINT,
	rate BIGINT,
	quantity BIGINT,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_bom_cost_lines PRIMARY KEY (id),
	CONSTRAINT fk_bom_cost_lines_company_id_bom_id FOREIGN KEY(company_id, bom_id) REFERENCES boms (company_id, id),
	CONSTRAINT uq_bom_cost_lines_company_id_bom_id_position UNIQUE (company_id, bom_id, position),
	CONSTRAINT ck_bom_cost_lines_kind_known CHECK (kind IN ('labour', 'overhead', 'other')),
	CONSTRAINT ck_bom_cost_lines_amount_bounded CHECK (amount IS NULL OR (amount >= 0 AND amount < 1000000000000000)),
	CONSTRAINT ck_bom_cost_lines_rate_bounded CHECK (rate IS NULL OR (rate >= 0 AND rate < 1000000000000000)),
	CONSTRAINT ck_bom_cost_lines_quantity_bounded CHECK (quantity IS NULL OR (quantity >= 0 AND quantity < 1000000000000000)),
	CONSTRAINT uq_bom_cost_lines_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_bom_cost_lines_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE bom_lines (
	bom_id BIGINT NOT NULL,
	position INTEGER NOT NULL,
	product_id BIGINT NOT NULL,
	quantity BIGINT NOT NULL,
	scrap_percent BIGINT NOT NULL,
	is_optional BOOLEAN NOT NULL,
	designators TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_bom_lines PRIMARY KEY (id),
	CONSTRAINT fk_bom_lines_company_id_bom_id FOREIGN KEY(company_id, bom_id) REFERENCES boms (company_id, id),
	CONSTRAINT fk_bom_lines_company_id_product_id FOREIGN KEY(company_id, product_id) REFERENCES products (company_id, id),
	CONSTRAINT uq_bom_lines_company_id_bom_id_position UNIQUE (company_id, bom_id, position),
	CONSTRAINT ck_bom_lines_quantity_bounded CHECK (quantity >= 1 AND quantity < 1000000000000000),
	CONSTRAINT ck_bom_lines_scrap_percent_bounded CHECK (scrap_percent >= 0 AND scrap_percent < 1000000000000000),
	CONSTRAINT uq_bom_lines_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_bom_lines_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_bom_lines_where_used ON bom_lines (company_id, product_id)
--;;
CREATE TABLE builds (
	number INTEGER NOT NULL,
	reference TEXT NOT NULL,
	product_id BIGINT NOT NULL,
	bom_id BIGINT NOT NULL,
	quantity BIGINT NOT NULL,
	state TEXT NOT NULL,
	notes TEXT NOT NULL,
	components_cost BIGINT NOT NULL,
	added_cost BIGINT NOT NULL,
	built_on DATE,
	executed_at TIMESTAMP WITH TIME ZONE,
	executed_by TEXT NOT NULL,
	target_on DATE,
	assignee TEXT NOT NULL,
	priority INTEGER NOT NULL,
	is_modified BOOLEAN NOT NULL,
	is_automatic BOOLEAN NOT NULL,
	output_quantity BIGINT NOT NULL,
	planned_at TIMESTAMP WITH TIME ZONE NOT NULL,
	planned_by TEXT NOT NULL,
	reviewed_at TIMESTAMP WITH TIME ZONE,
	reviewed_by TEXT NOT NULL,
	review_note TEXT NOT NULL,
	reject_reason TEXT NOT NULL,
	recovery TEXT NOT NULL,
	waste_cost BIGINT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_builds PRIMARY KEY (id),
	CONSTRAINT fk_builds_company_id_product_id FOREIGN KEY(company_id, product_id) REFERENCES products (company_id, id),
	CONSTRAINT fk_builds_company_id_bom_id FOREIGN KEY(company_id, bom_id) REFERENCES boms (company_id, id),
	CONSTRAINT uq_builds_company_id_number UNIQUE (company_id, number),
	CONSTRAINT ck_builds_state_known CHECK (state IN ('planned', 'pending_qa', 'completed', 'rejected', 'reversed', 'cancelled')),
	CONSTRAINT ck_builds_quantity_bounded CHECK (quantity >= 1 AND quantity < 1000000000000000),
	CONSTRAINT ck_builds_components_cost_bounded CHECK (components_cost >= 0 AND components_cost < 1000000000000000),
	CONSTRAINT ck_builds_added_cost_bounded CHECK (added_cost >= 0 AND added_cost < 1000000000000000),
	CONSTRAINT ck_builds_waste_cost_bounded CHECK (waste_cost >= 0 AND waste_cost < 1000000000000000),
	CONSTRAINT ck_builds_output_quantity_bounded CHECK (output_quantity >= 1 AND output_quantity < 1000000000000000),
	CONSTRAINT uq_builds_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_builds_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_builds_state ON builds (company_id, state, priority, id)
--;;
CREATE UNIQUE INDEX uq_builds_one_automatic ON builds (company_id, product_id) WHERE is_automatic AND state = 'planned'
--;;
CREATE TABLE export_attempts (
	export_id BIGINT NOT NULL,
	epoch INTEGER NOT NULL,
	step TEXT NOT NULL,
	key TEXT NOT NULL,
	sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
	outcome TEXT,
	message TEXT NOT NULL,
	external_id TEXT,
	ended_at TIMESTAMP WITH TIME ZONE,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_export_attempts PRIMARY KEY (id),
	CONSTRAINT fk_export_attempts_company_id_export_id FOREIGN KEY(company_id, export_id) REFERENCES exports (company_id, id),
	CONSTRAINT ck_export_attempts_step_known CHECK (step IN ('create', 'look_up', 'post', 'discard')),
	CONSTRAINT ck_export_attempts_outcome_known CHECK (outcome IS NULL OR outcome IN ('ok', 'refused', 'unknown', 'not_sent')),
	CONSTRAINT uq_export_attempts_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_export_attempts_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_export_attempts_export ON export_attempts (company_id, export_id, id)
--;;
CREATE TABLE heard_events (
	connection_id BIGINT NOT NULL,
	subject TEXT NOT NULL,
	category TEXT NOT NULL,
	resource_id TEXT NOT NULL,
	change TEXT NOT NULL,
	happened_at TEXT NOT NULL,
	heard_at TIMESTAMP WITH TIME ZONE NOT NULL,
	state TEXT NOT NULL,
	run_id BIGINT,
	tries INTEGER NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_heard_events PRIMARY KEY (id),
	CONSTRAINT fk_heard_events_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT fk_heard_events_company_id_run_id FOREIGN KEY(company_id, run_id) REFERENCES sync_runs (company_id, id),
	CONSTRAINT uq_heard_events_once UNIQUE (company_id, connection_id, category, resource_id, happened_at, change),
	CONSTRAINT ck_heard_events_state_known CHECK (state IN ('waiting', 'answered', 'ignored', 'left')),
	CONSTRAINT uq_heard_events_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_heard_events_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_heard_events_heard_at ON heard_events (heard_at)
--;;
CREATE INDEX ix_heard_events_waiting ON heard_events (state, company_id, connection_id)
--;;
CREATE TABLE receipt_charges (
	receipt_id BIGINT NOT NULL,
	position INTEGER NOT NULL,
	label TEXT NOT NULL,
	amount BIGINT NOT NULL,
	spread_by TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_receipt_charges PRIMARY KEY (id),
	CONSTRAINT fk_receipt_charges_company_id_receipt_id FOREIGN KEY(company_id, receipt_id) REFERENCES receipts (company_id, id),
	CONSTRAINT uq_receipt_charges_company_id_receipt_id_position UNIQUE (company_id, receipt_id, position),
	CONSTRAINT ck_receipt_charges_spread_by_known CHECK (spread_by IN ('cost', 'quantity', 'weight')),
	CONSTRAINT ck_receipt_charges_amount_bounded CHECK (amount >= 0 AND amount < 1000000000000000),
	CONSTRAINT uq_receipt_charges_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_receipt_charges_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE receipt_lines (
	receipt_id BIGINT NOT NULL,
	position INTEGER NOT NULL,
	product_id BIGINT NOT NULL,
	quantity BIGINT NOT NULL,
	cost BIGINT NOT NULL,
	entered_quantity BIGINT NOT NULL,
	per_purchase_unit BIGINT NOT NULL,
	purchase_unit TEXT NOT NULL,
	entered_cost BIGINT NOT NULL,
	weight BIGINT,
	supplier_part_number TEXT NOT NULL,
	lot_number TEXT NOT NULL,
	expires_on DATE,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_receipt_lines PRIMARY KEY (id),
	CONSTRAINT fk_receipt_lines_company_id_receipt_id FOREIGN KEY(company_id, receipt_id) REFERENCES receipts (company_id, id),
	CONSTRAINT fk_receipt_lines_company_id_product_id FOREIGN KEY(company_id, product_id) REFERENCES products (company_id, id),
	CONSTRAINT uq_receipt_lines_company_id_receipt_id_position UNIQUE (company_id, receipt_id, position),
	CONSTRAINT ck_receipt_lines_quantity_bounded CHECK (quantity >= 1 AND quantity < 1000000000000000),
	CONSTRAINT ck_receipt_lines_entered_quantity_bounded CHECK (entered_quantity >= 1 AND entered_quantity < 1000000000000000),
	CONSTRAINT ck_receipt_lines_per_purchase_unit_bounded CHECK (per_purchase_unit >= 1 AND per_purchase_unit < 1000000000000000),
	CONSTRAINT ck_receipt_lines_cost_bounded CHECK (cost >= 0 AND cost < 1000000000000000),
	CONSTRAINT ck_receipt_lines_entered_cost_bounded CHECK (entered_cost >= 0 AND entered_cost < 1000000000000000),
	CONSTRAINT ck_receipt_lines_weight_bounded CHECK (weight IS NULL OR (weight >= 0 AND weight < 1000000000000000)),
	CONSTRAINT uq_receipt_lines_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_receipt_lines_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE remote_sale_lines (
	sale_id BIGINT NOT NULL,
	position INTEGER NOT NULL,
	external_id TEXT NOT NULL,
	item_id TEXT NOT NULL,
	item_code TEXT NOT NULL,
	code_key TEXT NOT NULL,
	description TEXT NOT NULL,
	quantity BIGINT NOT NULL,
	net BIGINT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_remote_sale_lines PRIMARY KEY (id),
	CONSTRAINT fk_remote_sale_lines_company_id_sale_id FOREIGN KEY(company_id, sale_id) REFERENCES remote_sales (company_id, id),
	CONSTRAINT uq_remote_sale_lines_company_id_sale_id_position UNIQUE (company_id, sale_id, position),
	CONSTRAINT ck_remote_sale_lines_quantity_bounded CHECK (quantity > -1000000000000000000 AND quantity < 1000000000000000000),
	CONSTRAINT ck_remote_sale_lines_net_bounded CHECK (net > -1000000000000000000 AND net < 1000000000000000000),
	CONSTRAINT uq_remote_sale_lines_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_remote_sale_lines_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE tracking_choices (
	connection_id BIGINT NOT NULL,
	category_id TEXT NOT NULL,
	remote_tracking_id BIGINT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_tracking_choices PRIMARY KEY (id),
	CONSTRAINT fk_tracking_choices_company_id_connection_id FOREIGN KEY(company_id, connection_id) REFERENCES connections (company_id, id),
	CONSTRAINT fk_tracking_choices_company_id_remote_tracking_id FOREIGN KEY(company_id, remote_tracking_id) REFERENCES remote_tracking (company_id, id),
	CONSTRAINT uq_tracking_choices_company_id_connection_id_category_id UNIQUE (company_id, connection_id, category_id),
	CONSTRAINT uq_tracking_choices_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_tracking_choices_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE build_cost_lines (
	build_id BIGINT NOT NULL,
	position INTEGER NOT NULL,
	kind TEXT NOT NULL,
	label TEXT NOT NULL,
	cost BIGINT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_build_cost_lines PRIMARY KEY (id),
	CONSTRAINT fk_build_cost_lines_company_id_build_id FOREIGN KEY(company_id, build_id) REFERENCES builds (company_id, id),
	CONSTRAINT uq_build_cost_lines_company_id_build_id_position UNIQUE (company_id, build_id, position),
	CONSTRAINT ck_build_cost_lines_kind_known CHECK (kind IN ('labour', 'overhead', 'other')),
	CONSTRAINT ck_build_cost_lines_cost_bounded CHECK (cost >= 0 AND cost < 1000000000000000),
	CONSTRAINT uq_build_cost_lines_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_build_cost_lines_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE build_lines (
	build_id BIGINT NOT NULL,
	position INTEGER NOT NULL,
	product_id BIGINT NOT NULL,
	quantity_per_output BIGINT NOT NULL,
	scrap_percent BIGINT NOT NULL,
	quantity_needed BIGINT NOT NULL,
	is_optional BOOLEAN NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_build_lines PRIMARY KEY (id),
	CONSTRAINT fk_build_lines_company_id_build_id FOREIGN KEY(company_id, build_id) REFERENCES builds (company_id, id),
	CONSTRAINT fk_build_lines_company_id_product_id FOREIGN KEY(company_id, product_id) REFERENCES products (company_id, id),
	CONSTRAINT uq_build_lines_company_id_build_id_position UNIQUE (company_id, build_id, position),
	CONSTRAINT ck_build_lines_quantity_needed_bounded CHECK (quantity_needed >= 1 AND quantity_needed < 1000000000000000),
	CONSTRAINT ck_build_lines_quantity_per_output_bounded CHECK (quantity_per_output >= 1 AND quantity_per_output < 1000000000000000),
	CONSTRAINT ck_build_lines_scrap_percent_bounded CHECK (scrap_percent >= 0 AND scrap_percent < 1000000000000000),
	CONSTRAINT uq_build_lines_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_build_lines_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE lots (
	product_id BIGINT NOT NULL,
	number TEXT NOT NULL,
	number_key TEXT NOT NULL,
	received_on DATE NOT NULL,
	expires_on DATE,
	quantity_in BIGINT NOT NULL,
	cost_in BIGINT NOT NULL,
	quantity_left BIGINT NOT NULL,
	cost_left BIGINT NOT NULL,
	state TEXT NOT NULL,
	hold_reason TEXT NOT NULL,
	split_from_id BIGINT,
	adjustment_id BIGINT,
	receipt_line_id BIGINT,
	build_id BIGINT,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_lots PRIMARY KEY (id),
	CONSTRAINT fk_lots_company_id_product_id FOREIGN KEY(company_id, product_id) REFERENCES products (company_id, id),
	CONSTRAINT fk_lots_company_id_receipt_line_id FOREIGN KEY(company_id, receipt_line_id) REFERENCES receipt_lines (company_id, id),
	CONSTRAINT fk_lots_company_id_build_id FOREIGN KEY(company_id, build_id) REFERENCES builds (company_id, id),
	CONSTRAINT fk_lots_company_id_split_from_id FOREIGN KEY(company_id, split_from_id) REFERENCES lots (company_id, id),
	CONSTRAINT fk_lots_company_id_adjustment_id FOREIGN KEY(company_id, adjustment_id) REFERENCES adjustments (company_id, id),
	CONSTRAINT ck_lots_state_known CHECK (state IN ('open', 'held', 'exhausted', 'reversed')),
	CONSTRAINT ck_lots_quantity_in_bounded CHECK (quantity_in >= 1 AND quantity_in < 1000000000000000),
	CONSTRAINT ck_lots_cost_in_bounded CHECK (cost_in >= 0 AND cost_in < 1000000000000000),
	CONSTRAINT ck_lots_quantity_left_bounded CHECK (quantity_left >= 0 AND quantity_left < 1000000000000000),
	CONSTRAINT ck_lots_cost_left_bounded CHECK (cost_left >= 0 AND cost_left < 1000000000000000),
	CONSTRAINT ck_lots_quantity_left_in_lot CHECK (quantity_left <= quantity_in),
	CONSTRAINT ck_lots_cost_left_in_lot CHECK (cost_left <= cost_in),
	CONSTRAINT ck_lots_nothing_left_costs_nothing CHECK (quantity_left > 0 OR cost_left = 0),
	CONSTRAINT ck_lots_state_says_what_is_left CHECK ((quantity_left > 0) = (state IN ('open', 'held'))),
	CONSTRAINT uq_lots_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_lots_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_lots_build ON lots (company_id, build_id) WHERE build_id IS NOT NULL
--;;
CREATE INDEX ix_lots_fifo ON lots (company_id, product_id, received_on, id) WHERE state = 'open'
--;;
CREATE INDEX ix_lots_split_from ON lots (company_id, split_from_id) WHERE split_from_id IS NOT NULL
--;;
CREATE UNIQUE INDEX uq_lots_open_number ON lots (company_id, product_id, number_key) WHERE state IN ('open', 'held')
--;;
CREATE TABLE month_end_lots (
	month_end_id BIGINT NOT NULL,
	product_id BIGINT NOT NULL,
	lot_id BIGINT NOT NULL,
	quantity BIGINT NOT NULL,
	cost BIGINT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_month_end_lots PRIMARY KEY (id),
	CONSTRAINT fk_month_end_lots_company_id_month_end_id FOREIGN KEY(company_id, month_end_id) REFERENCES month_ends (company_id, id),
	CONSTRAINT fk_month_end_lots_company_id_product_id FOREIGN KEY(company_id, product_id) REFERENCES products (company_id, id),
	CONSTRAINT fk_month_end_lots_company_id_lot_id FOREIGN KEY(company_id, lot_id) REFERENCES lots (company_id, id),
	CONSTRAINT uq_month_end_lots_company_id_month_end_id_lot_id UNIQUE (company_id, month_end_id, lot_id),
	CONSTRAINT ck_month_end_lots_quantity_bounded CHECK (quantity > -1000000000000000 AND quantity < 1000000000000000),
	CONSTRAINT ck_month_end_lots_cost_bounded CHECK (cost > -1000000000000000 AND cost < 1000000000000000),
	CONSTRAINT uq_month_end_lots_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_month_end_lots_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE stock_count_lines (
	count_id BIGINT NOT NULL,
	lot_id BIGINT NOT NULL,
	through_entry_id BIGINT NOT NULL,
	expected BIGINT NOT NULL,
	counted BIGINT,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_stock_count_lines PRIMARY KEY (id),
	CONSTRAINT fk_stock_count_lines_company_id_count_id FOREIGN KEY(company_id, count_id) REFERENCES stock_counts (company_id, id),
	CONSTRAINT fk_stock_count_lines_company_id_lot_id FOREIGN KEY(company_id, lot_id) REFERENCES lots (company_id, id),
	CONSTRAINT uq_stock_count_lines_company_id_count_id_lot_id UNIQUE (company_id, count_id, lot_id),
	CONSTRAINT ck_stock_count_lines_expected_bounded CHECK (expected >= 0 AND expected < 1000000000000000),
	CONSTRAINT ck_stock_count_lines_counted_bounded CHECK (counted IS NULL OR (counted >= 0 AND counted < 1000000000000000)),
	CONSTRAINT uq_stock_count_lines_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_stock_count_lines_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE TABLE stock_entries (
	product_id BIGINT NOT NULL,
	lot_id BIGINT NOT NULL,
	quantity BIGINT NOT NULL,
	cost BIGINT NOT NULL,
	document_kind TEXT NOT NULL,
	document_id BIGINT NOT NULL,
	reference TEXT NOT NULL,
	effective_on DATE NOT NULL,
	recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
	recorded_by TEXT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_stock_entries PRIMARY KEY (id),
	CONSTRAINT fk_stock_entries_company_id_product_id FOREIGN KEY(company_id, product_id) REFERENCES products (company_id, id),
	CONSTRAINT fk_stock_entries_company_id_lot_id FOREIGN KEY(company_id, lot_id) REFERENCES lots (company_id, id),
	CONSTRAINT ck_stock_entries_document_kind_known CHECK (document_kind IN ('receipt', 'build', 'waste', 'adjustment', 'split', 'sale', 'reversal', 'true_up')),
	CONSTRAINT ck_stock_entries_quantity_bounded CHECK (quantity > -1000000000000000 AND quantity < 1000000000000000),
	CONSTRAINT ck_stock_entries_cost_bounded CHECK (cost > -1000000000000000 AND cost < 1000000000000000),
	CONSTRAINT ck_stock_entries_quantity_moves CHECK (quantity <> 0),
	CONSTRAINT uq_stock_entries_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_stock_entries_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_stock_entries_by ON stock_entries (company_id, recorded_by, id)
--;;
CREATE INDEX ix_stock_entries_cost ON stock_entries (company_id, cost, id)
--;;
CREATE INDEX ix_stock_entries_day ON stock_entries (company_id, effective_on, id)
--;;
CREATE INDEX ix_stock_entries_document ON stock_entries (company_id, document_kind, document_id)
--;;
CREATE INDEX ix_stock_entries_kind ON stock_entries (company_id, document_kind, id)
--;;
CREATE INDEX ix_stock_entries_lot ON stock_entries (company_id, lot_id)
--;;
CREATE INDEX ix_stock_entries_product ON stock_entries (company_id, product_id, effective_on, id)
--;;
CREATE INDEX ix_stock_entries_quantity ON stock_entries (company_id, quantity, id)
--;;
CREATE INDEX ix_stock_entries_recorded ON stock_entries (company_id, recorded_at, id)
--;;
CREATE INDEX ix_stock_entries_reference ON stock_entries (company_id, reference, id)
--;;
CREATE TABLE draws (
	lot_id BIGINT NOT NULL,
	stock_entry_id BIGINT NOT NULL,
	document_kind TEXT NOT NULL,
	document_id BIGINT NOT NULL,
	line INTEGER NOT NULL,
	quantity BIGINT NOT NULL,
	cost BIGINT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_draws PRIMARY KEY (id),
	CONSTRAINT fk_draws_company_id_lot_id FOREIGN KEY(company_id, lot_id) REFERENCES lots (company_id, id),
	CONSTRAINT fk_draws_company_id_stock_entry_id FOREIGN KEY(company_id, stock_entry_id) REFERENCES stock_entries (company_id, id),
	CONSTRAINT uq_draws_company_id_stock_entry_id UNIQUE (company_id, stock_entry_id),
	CONSTRAINT ck_draws_document_kind_known CHECK (document_kind IN ('receipt', 'build', 'waste', 'adjustment', 'split', 'sale', 'reversal', 'true_up')),
	CONSTRAINT ck_draws_quantity_bounded CHECK (quantity >= 1 AND quantity < 1000000000000000),
	CONSTRAINT ck_draws_cost_bounded CHECK (cost >= 0 AND cost < 1000000000000000),
	CONSTRAINT uq_draws_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_draws_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_draws_document ON draws (company_id, document_kind, document_id, line)
--;;
CREATE INDEX ix_draws_lot ON draws (company_id, lot_id)
--;;
CREATE TABLE returns (
	draw_id BIGINT NOT NULL,
	lot_id BIGINT NOT NULL,
	stock_entry_id BIGINT NOT NULL,
	document_kind TEXT NOT NULL,
	document_id BIGINT NOT NULL,
	quantity BIGINT NOT NULL,
	cost BIGINT NOT NULL,
	id BIGSERIAL NOT NULL,
	company_id BIGINT NOT NULL,
	CONSTRAINT pk_returns PRIMARY KEY (id),
	CONSTRAINT fk_returns_company_id_draw_id FOREIGN KEY(company_id, draw_id) REFERENCES draws (company_id, id),
	CONSTRAINT fk_returns_company_id_lot_id FOREIGN KEY(company_id, lot_id) REFERENCES lots (company_id, id),
	CONSTRAINT fk_returns_company_id_stock_entry_id FOREIGN KEY(company_id, stock_entry_id) REFERENCES stock_entries (company_id, id),
	CONSTRAINT uq_returns_company_id_draw_id UNIQUE (company_id, draw_id),
	CONSTRAINT uq_returns_company_id_stock_entry_id UNIQUE (company_id, stock_entry_id),
	CONSTRAINT ck_returns_document_kind_known CHECK (document_kind IN ('receipt', 'build', 'waste', 'adjustment', 'split', 'sale', 'reversal', 'true_up')),
	CONSTRAINT ck_returns_quantity_bounded CHECK (quantity >= 1 AND quantity < 1000000000000000),
	CONSTRAINT ck_returns_cost_bounded CHECK (cost >= 0 AND cost < 1000000000000000),
	CONSTRAINT uq_returns_company_id_id UNIQUE (company_id, id),
	CONSTRAINT fk_returns_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
)
--;;
CREATE INDEX ix_returns_document ON returns (company_id, document_kind, document_id)
--;;
CREATE INDEX ix_returns_lot ON returns (company_id, lot_id)
--;;
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: undo a mistake by a reversing document', TG_TABLE_NAME;
END $$
--;;
CREATE TRIGGER stock_entries_append_only BEFORE UPDATE OR DELETE ON stock_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;;
CREATE TRIGGER stock_entries_not_emptied BEFORE TRUNCATE ON stock_entries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;;
CREATE TRIGGER draws_append_only BEFORE UPDATE OR DELETE ON draws
  FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;;
CREATE TRIGGER draws_not_emptied BEFORE TRUNCATE ON draws
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;;
CREATE TRIGGER returns_append_only BEFORE UPDATE OR DELETE ON returns
  FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;;
CREATE TRIGGER returns_not_emptied BEFORE TRUNCATE ON returns
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;;
CREATE TRIGGER backend_records_append_only BEFORE UPDATE OR DELETE ON backend_records
  FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;;
CREATE TRIGGER backend_records_not_emptied BEFORE TRUNCATE ON backend_records
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;;
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;;
CREATE TRIGGER audit_entries_not_emptied BEFORE TRUNCATE ON audit_entries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;;
CREATE TRIGGER reconcile_runs_append_only BEFORE UPDATE OR DELETE ON reconcile_runs
  FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;;
CREATE TRIGGER reconcile_runs_not_emptied BEFORE TRUNCATE ON reconcile_runs
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;;
CREATE FUNCTION refuse_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an export is frozen: its bytes, token, amounts and document never change, and its id is set once';
END $$
--;;
CREATE TRIGGER exports_frozen BEFORE UPDATE ON exports FOR EACH ROW
  WHEN (OLD.body IS DISTINCT FROM NEW.body OR OLD.token IS DISTINCT FROM NEW.token
    OR OLD.document_kind IS DISTINCT FROM NEW.document_kind OR OLD.document_id IS DISTINCT FROM NEW.document_id
    OR OLD.connection_id IS DISTINCT FROM NEW.connection_id OR OLD.reference IS DISTINCT FROM NEW.reference
    OR OLD.exact <> NEW.exact OR OLD.posted <> NEW.posted OR OLD.rounding <> NEW.rounding
    OR (OLD.external_id IS NOT NULL AND OLD.external_id IS DISTINCT FROM NEW.external_id)
    OR (OLD.state = 'posted' AND NEW.state <> 'posted'))
  EXECUTE FUNCTION refuse_frozen()
--;;
CREATE TRIGGER exports_kept BEFORE DELETE ON exports FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;;
CREATE TRIGGER exports_not_emptied BEFORE TRUNCATE ON exports
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
