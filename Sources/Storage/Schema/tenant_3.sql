-- A tenant's schema from version 2 to 3: samples of words of people would be kept in the planner's statistics, where dropping the
-- schema does not reach. Months that there are keep theirs until they are dropped. It takes nothing away.

ALTER TABLE ${schema}.account ALTER COLUMN display_name SET STATISTICS 0, ALTER COLUMN billing_email SET STATISTICS 0;
ALTER TABLE ${schema}.app_user ALTER COLUMN display_name SET STATISTICS 0;
ALTER TABLE ${schema}.contact_point ALTER COLUMN address SET STATISTICS 0;
ALTER TABLE ${schema}.provider
    ALTER COLUMN display_name SET STATISTICS 0, ALTER COLUMN config SET STATISTICS 0,
    ALTER COLUMN sealed_secret SET STATISTICS 0;
ALTER TABLE ${schema}.idempotency ALTER COLUMN idempotency_key SET STATISTICS 0, ALTER COLUMN response SET STATISTICS 0;
ALTER TABLE ${schema}.inbox_item
    ALTER COLUMN title SET STATISTICS 0, ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN link SET STATISTICS 0;
ALTER TABLE ${schema}.audit
    ALTER COLUMN actor SET STATISTICS 0, ALTER COLUMN origin SET STATISTICS 0, ALTER COLUMN object SET STATISTICS 0,
    ALTER COLUMN before SET STATISTICS 0, ALTER COLUMN after SET STATISTICS 0;
ALTER TABLE ${schema}.event
    ALTER COLUMN object SET STATISTICS 0, ALTER COLUMN source_event_id SET STATISTICS 0,
    ALTER COLUMN context SET STATISTICS 0, ALTER COLUMN sealed_context SET STATISTICS 0,
    ALTER COLUMN published_by SET STATISTICS 0;
ALTER TABLE ${schema}.notification
    ALTER COLUMN recipient SET STATISTICS 0, ALTER COLUMN object SET STATISTICS 0, ALTER COLUMN trace SET STATISTICS 0;
ALTER TABLE ${schema}.delivery
    ALTER COLUMN masked_address SET STATISTICS 0, ALTER COLUMN message_id SET STATISTICS 0;
ALTER TABLE ${schema}.attempt
    ALTER COLUMN code SET STATISTICS 0, ALTER COLUMN detail SET STATISTICS 0,
    ALTER COLUMN provider_message_id SET STATISTICS 0;
