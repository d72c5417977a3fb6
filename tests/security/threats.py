"""The attacks and faults that were thought of, each with the tests that hold against it."""

from __future__ import annotations

SPAWNER = "tests/hadoop/spawner"
CONTENTS = "tests/hadoop/contents"
UNIT = "tests/unit"
CLIENT = f"{UNIT}/hadoop_client"
PACKING = f"{UNIT}/env_packaging"
HUB = f"{UNIT}/yarnspawner"
TOOL = f"{UNIT}/yarnhub"
FAULTS = "tests/faults"
SECURITY = "tests/security"
MOUNT = f"{UNIT}/hdfs_contents/mount"
MANAGER = f"{UNIT}/hdfs_contents/manager"
KERBEROS = "tests/kerberos/test_faults.py"

THREATS: dict[str, tuple[str, ...]] = {
    "environment variables with values that a shell, a script or YARN could interpret": (
        f"{SPAWNER}/test_spawner.py::test_the_environment_arrives_as_it_was_and_nothing_runs",
        f"{HUB}/test_launch_spec.py::test_a_launch_survives_its_journey_byte_for_byte",
    ),
    "a token in YARN's reports, logs, scripts, command lines or the hub's log": (
        f"{SPAWNER}/test_spawner.py::test_no_token_is_anywhere_but_in_yarns_own_private_files",
        f"{SPAWNER}/test_spawner.py::test_the_last_words_of_a_failing_server_hold_no_token",
        f"{SPAWNER}/test_options.py::"
        "test_nothing_of_the_launch_is_in_the_hubs_debug_log_but_what_it_is_for",
        f"{HUB}/test_launch_spec.py::test_nothing_secret_is_where_yarn_shows_it",
        "tests/kerberos/test_servers.py::test_no_secret_is_where_others_see_it",
        f"{CLIENT}/test_trace.py::test_the_log_has_one_json_object_per_record_and_no_payload",
        f"{HUB}/test_install.py::test_jupyterhub_does_not_log_the_id_of_a_session",
    ),
    "shell metacharacters in the names of users, arguments and directories": (
        f"{SPAWNER}/test_spawner.py::test_the_arguments_arrive_as_they_were",
        f"{SECURITY}/test_metacharacters.py::test_in_the_notebooks_folder_nothing_runs",
        f"{HUB}/test_tags.py::test_no_name_passes_that_a_principal_or_an_acl_could_read_otherwise",
        f"{HUB}/test_launch_spec.py::"
        "test_a_python_path_that_a_shell_could_read_otherwise_is_refused",
        f"{HUB}/test_failures.py::"
        "test_what_an_administrator_is_to_run_for_a_home_is_one_command_for_any_name",
    ),
    "options of the wrong type, from the form, a link or the REST API": (
        f"{SPAWNER}/test_profiles.py::"
        "test_the_same_is_refused_by_form_query_and_rest_and_nothing_sticks",
        f"{HUB}/test_profiles.py::test_any_options_are_refused_or_within_the_limits",
    ),
    "resources over the limit, negative ones, and values that are not amounts": (
        f"{SPAWNER}/test_profiles.py::test_a_limit_holds_for_who_it_is_for",
        f"{SPAWNER}/test_spawner.py::"
        "test_what_can_not_start_is_told_in_a_sentence_and_leaves_nothing",
        f"{HUB}/test_profiles.py::test_other_options_are_refused_with_the_allowed_values",
        f"{HUB}/test_launch_limits.py::test_more_than_any_node_has_is_refused_with_the_limit",
    ),
    "a choice that only starts like an allowed one": (
        f"{HUB}/test_profiles.py::test_other_options_are_refused_with_the_allowed_values",
    ),
    "an application master that registers another host, or a port that is not its server's": (
        f"{SECURITY}/test_lying_server.py::test_the_port_of_somebody_elses_server_is_refused",
        f"{SECURITY}/test_lying_server.py::test_the_port_of_a_daemon_of_the_node_is_refused",
        f"{SECURITY}/test_lying_server.py::test_a_port_that_is_not_allowed_is_refused",
        f"{SECURITY}/test_lying_server.py::"
        "test_a_port_that_answers_nothing_is_refused_and_the_host_is_the_nodes",
    ),
    "a report of readiness that does not come from the server's application master": (
        f"{UNIT}/container/test_scheduler.py::"
        "test_an_attempt_whose_token_is_no_longer_known_is_over",
        "tests/hadoop/test_rpc_master.py::test_an_application_masters_life",
    ),
    "with skein, a port that another server reports to the hub": (
        f"{SPAWNER}/test_skein.py::test_a_start_is_told_its_port_by_its_own_server_only",
        f"{HUB}/test_token_endpoint.py::test_a_port_is_taken_only_with_the_key_of_the_start",
        f"{HUB}/test_port_endpoint.py::test_anything_but_a_port_is_refused",
        f"{HUB}/test_port_endpoint.py::test_the_first_report_stays",
        f"{HUB}/test_skein_launcher.py::test_a_host_that_is_not_a_node_is_not_the_servers",
    ),
    "another user that reads a launch: its program, its certificates, its tokens": (
        f"{SPAWNER}/test_internal_ssl.py::test_the_container_has_the_key_for_its_own_user_only",
        f"{SPAWNER}/test_skein.py::test_the_launch_is_nobody_elses_to_read",
        "tests/kerberos/test_servers.py::test_no_secret_is_where_others_see_it",
    ),
    "a user name in a header that the web server of the log-in did not set": (
        "tests/hadoop/examples/test_log_ins.py::"
        "test_who_the_web_server_knows_is_that_person_whatever_their_browser_claims",
        "tests/hadoop/examples/test_log_ins.py::"
        "test_past_the_web_server_nobody_gets_in_by_a_header",
        "tests/hadoop/examples/test_log_ins.py::"
        "test_a_notebook_server_is_not_told_the_web_servers_secret",
    ),
    "a user's Kerberos ticket, sent to a notebook server instead of the hub": (
        "tests/kerberos/test_log_in.py::"
        "test_a_server_has_a_name_of_its_own_for_which_browsers_have_no_tickets",
        "tests/kerberos/test_log_in.py::test_behind_apache_no_server_gets_a_ticket_or_asks_for_one",
    ),
    "a user that the hub may not impersonate, or a hub on another host": (
        f"{SECURITY}/test_impersonation.py::test_a_refusal_is_not_asked_for_again",
        f"{SECURITY}/test_impersonation.py::"
        "test_a_hub_on_another_host_than_hadoop_allows_is_told_so",
        "tests/hadoop/test_rpc.py::test_one_may_act_only_for_whom_hadoop_allows",
        "tests/kerberos/test_servers.py::test_whom_hadoop_does_not_let_the_hub_act_for_is_told_so",
    ),
    "the name of a superuser, of the hub or of a principal": (
        f"{SPAWNER}/test_options.py::test_no_server_is_started_for_a_superuser",
        f"{HUB}/test_tags.py::test_superusers_the_hub_itself_and_malformed_principals_may_not",
    ),
    "a hub without its key, with another key, or without a ticket": (
        "tests/kerberos/test_servers.py::test_a_hub_that_can_not_log_in_says_what_to_do",
        "tests/kerberos/test_rpc.py::test_without_a_ticket_the_tool_says_what_to_do",
        f"{KERBEROS}::test_the_check_says_what_is_wrong_with_a_keytab",
        f"{TOOL}/check/test_verdicts.py::test_a_keytab_is_for_its_owner_only",
    ),
    "a KDC that is down or hangs, a changed key, an expired ticket, a wrong clock": (
        f"{KERBEROS}::test_without_a_kdc_people_are_told_servers_go_on_and_no_restart_is_needed",
        f"{KERBEROS}::test_the_check_says_that_the_kdc_is_away",
        f"{KERBEROS}::"
        "test_a_hub_whose_key_was_changed_names_the_keytab_and_takes_the_new_one_by_itself",
        f"{KERBEROS}::test_a_hub_gets_a_new_ticket_when_its_own_has_ended",
        f"{KERBEROS}::test_a_clock_that_is_wrong_is_made_up_for_by_the_kdcs_or_told",
        f"{CLIENT}/test_aio.py::test_a_login_that_waits_for_its_ticket_delays_no_other",
    ),
    "a service with another principal, or with weaker protection": (
        "tests/kerberos/test_rpc.py::test_a_server_that_is_somebody_else_is_refused",
        "tests/kerberos/test_rpc.py::test_a_client_that_wants_less_than_the_server_is_told_so",
        f"{CLIENT}/test_sasl.py::test_no_challenge_leads_to_a_weaker_protection_than_configured",
        f"{UNIT}/container/test_scheduler.py::"
        "test_a_scheduler_without_the_configured_protection_is_refused",
    ),
    "a NameNode that offers hdfs-native no authentication, or cannot prove its identity": (
        f"{CLIENT}/test_namenode_check.py::test_a_namenode_without_the_tokens_secret_is_refused",
        f"{CLIENT}/test_namenode_check.py::test_one_false_namenode_of_two_is_refused",
        f"{CLIENT}/test_namenode_check.py::test_hdfs_native_sends_nothing_to_a_false_namenode",
        f"{CLIENT}/test_namenode_check.py::"
        "test_a_weaker_protection_than_the_configured_one_is_refused",
        "tests/kerberos/test_rpc.py::"
        "test_hdfs_native_is_not_used_with_a_namenode_of_another_principal",
    ),
    "delegation tokens that other users can see, or that belong to other users": (
        "tests/kerberos/test_servers.py::test_no_secret_is_where_others_see_it",
        "tests/kerberos/test_servers.py::test_new_tokens_are_for_the_server_itself_and_nobody_else",
    ),
    "a token file that is damaged while its server runs": (
        f"{KERBEROS}::"
        "test_a_damaged_token_file_is_told_in_a_sentence_and_mended_by_the_next_renewal",
    ),
    "an archive with members that lead outside, or that have more permissions than they need": (
        f"{PACKING}/test_verify.py::test_a_member_that_does_harm_is_named",
        f"{PACKING}/test_archive.py::test_a_file_of_the_mode_4755_is_shipped_without_setuid",
    ),
    "an archive, a manifest or an answer that is made to exhaust memory or time": (
        f"{PACKING}/test_verify.py::test_an_archive_made_to_exhaust_memory_is_refused",
        f"{PACKING}/test_verify.py::test_names_without_end_are_refused",
        f"{PACKING}/test_registry.py::test_an_alias_without_a_key_is_refused",
        f"{PACKING}/test_manifest.py::test_a_number_that_no_size_can_be_is_damage",
        f"{CLIENT}/test_sasl.py::test_a_megabyte_of_any_challenge_is_read_in_linear_time",
        f"{TOOL}/test_node_http.py::test_an_answer_over_the_limit_is_refused",
        f"{HUB}/test_direct_launcher.py::test_any_other_answer_is_an_unknown_phase",
        f"{HUB}/test_yarn_messages.py::test_no_text_of_a_server_keeps_the_hub_busy",
    ),
    "an archive that others can write, that does not match its manifest, or that was changed": (
        f"{PACKING}/test_registry.py::"
        "test_world_writable_files_are_refused_with_the_command_that_fixes_them",
        f"{PACKING}/test_registry.py::"
        "test_the_sticky_bit_is_enough_above_the_registry_and_not_in_it",
        f"{PACKING}/test_registry.py::"
        "test_an_archive_of_another_size_than_its_manifest_says_is_refused",
        f"{PACKING}/test_verify.py::test_one_changed_byte_is_found",
        "tests/hadoop/test_envs.py::test_a_changed_archive_is_found",
    ),
    "a manifest of another user that names an index, a URL or a variable for a build": (
        f"{TOOL}/test_envs_add.py::test_another_users_sources_need_consent",
        f"{TOOL}/test_envs_add.py::test_what_cannot_be_built_again_is_refused_with_the_reason",
        f"{PACKING}/test_requirements.py::test_only_names_and_versions_are_pinned",
    ),
    "another account that takes the place of the cache of `yarnhub pack-env`": (
        f"{PACKING}/test_cache.py::"
        "test_a_cache_whose_parent_others_can_write_to_needs_the_sticky_bit",
        f"{PACKING}/test_cache.py::test_a_directory_of_another_user_or_a_link_to_one_is_not_used",
    ),
    "a private file, a key or a token in an environment that is published for all": (
        f"{PACKING}/test_private.py::"
        "test_a_private_file_is_refused_by_name_before_anything_is_uploaded",
        f"{PACKING}/test_private.py::test_records_are_published_without_credentials",
        f"{PACKING}/test_private.py::test_variables_of_conda_with_credentials_are_refused_by_name",
    ),
    "a secret, or a private file, of the Hadoop configuration that the hub sends to servers": (
        f"{HUB}/test_client_configuration.py::test_secrets_stay_on_the_hub",
        f"{HUB}/test_client_configuration.py::"
        "test_what_the_site_names_as_sensitive_stays_on_the_hub",
        f"{HUB}/test_client_configuration.py::"
        "test_a_server_reaches_the_cluster_of_a_hub_whose_files_are_private_and_gets_no_more",
        f"{HUB}/test_client_configuration.py::"
        "test_what_a_file_includes_stays_on_the_hub_if_not_all_users_may_read_that",
    ),
    "a shared environment that some users cannot read": (
        f"{PACKING}/test_registry.py::test_an_environment_that_not_every_user_can_read_is_not_public",
        f"{SPAWNER}/test_options.py::"
        "test_a_public_file_that_not_everybody_may_read_is_refused_before_the_submit",
    ),
    "a path with `..`, or of another directory, in a NameNode's answer": (
        f"{PACKING}/test_registry.py::test_a_path_in_a_namenodes_answer_is_not_used",
        f"{CLIENT}/test_records.py::test_a_url_with_a_relative_part_is_refused",
        f"{CLIENT}/test_native_answers.py::test_a_status_has_the_path_that_was_requested",
        f"{CLIENT}/test_native_answers.py::test_names_that_hdfs_cannot_have_are_refused",
    ),
    "a path that leads out of the notebooks' directory": (
        f"{MANAGER}/test_refused.py::test_no_operation_leaves_the_root_or_accepts_an_invalid_name",
        f"{CONTENTS}/test_contents_server.py::"
        "test_what_is_no_file_for_this_person_is_not_downloaded",
        f"{UNIT}/hdfs_contents/test_paths.py::test_any_path_is_below_the_root_or_refused",
    ),
    "hidden files, and errors without a clear status": (
        f"{MANAGER}/test_refused.py::test_no_operation_touches_hidden_files_unless_they_are_allowed",
        f"{CLIENT}/test_hdfs_errors.py::test_each_kind_of_failure_has_its_status",
        f"{UNIT}/hdfs_contents/test_extension.py::test_only_a_503_has_a_retry_after_header",
    ),
    "a modification time beyond the years of a calendar, set by another user": (
        f"{MANAGER}/test_reading.py::test_a_directory_is_listed_whatever_the_times_in_it_are",
        f"{UNIT}/hdfs_contents/test_models.py::test_a_file_with_any_time_has_a_model",
        f"{UNIT}/hdfs_contents/test_ranges.py::test_a_file_with_any_time_is_current",
        f"{MOUNT}/test_protocol.py::test_a_file_has_any_time_that_hdfs_keeps",
    ),
    "another user's directory, renamed to look like one of our temporary files": (
        f"{CLIENT}/test_stale_files.py::"
        "test_a_directory_with_content_that_another_user_renamed_stays",
        f"{CLIENT}/test_stale_files.py::test_nothing_is_deleted_if_another_user_may_rename_files",
        f"{UNIT}/hdfs_contents/test_tree_copy.py::"
        "test_a_directory_put_in_place_of_a_copy_is_not_deleted_when_that_fails",
        f"{MANAGER}/test_moving.py::"
        "test_a_directory_that_another_user_hid_in_a_deleted_one_is_kept",
        f"{HUB}/test_kept_session.py::"
        "test_a_configured_directory_is_used_and_never_deleted_as_a_whole",
    ),
    "another user's file in the place of a checkpoint": (
        f"{MANAGER}/test_checkpoints.py::"
        "test_a_checkpoint_has_the_access_of_its_file_and_not_of_what_it_replaces",
        f"{MANAGER}/test_checkpoints.py::"
        "test_a_missing_file_restored_from_another_users_checkpoint_is_private",
        f"{CLIENT}/test_atomic.py::"
        "test_only_the_owner_of_the_file_whose_access_is_kept_keeps_theirs",
    ),
    "another user's session archive or archive of packages, put where a user's own is expected": (
        f"{UNIT}/hdfs_contents/test_kept_packages.py::"
        "test_packages_that_another_user_may_have_put_there_are_not_restored",
        f"{UNIT}/hdfs_contents/test_packages_archive.py::"
        "test_an_archive_writes_only_below_its_directory",
        f"{UNIT}/hdfs_contents/test_session.py::"
        "test_an_archive_that_another_user_may_have_put_there_is_not_restored",
        f"{UNIT}/hdfs_contents/test_session.py::"
        "test_an_archive_of_another_user_is_not_restored_whatever_its_mode",
        f"{UNIT}/hdfs_contents/test_session.py::"
        "test_an_archive_whose_owner_or_mode_changes_while_it_is_read_is_not_restored",
        f"{UNIT}/hdfs_contents/test_session.py::"
        "test_nothing_is_saved_to_a_directory_of_another_user",
        f"{UNIT}/hdfs_contents/test_session.py::"
        "test_nothing_is_saved_to_a_directory_that_others_can_write_to",
    ),
    "another user's directory in the place of a user's own trash, in an encryption zone": (
        f"{CLIENT}/test_zone_trash.py::test_a_trash_that_another_user_controls_is_passed_over",
        f"{CLIENT}/test_zone_trash.py::"
        "test_without_another_trash_the_file_stays_and_the_reason_is_told",
    ),
    "another user's git or Mercurial repository, entered through the mount": (
        f"{MOUNT}/test_others_repositories.py::"
        "test_git_runs_nothing_that_another_users_repository_configures",
        f"{MOUNT}/test_others_repositories.py::"
        "test_git_runs_nothing_of_a_repository_that_a_file_names",
        f"{MOUNT}/test_others_repositories.py::"
        "test_git_does_not_take_another_users_directory_for_a_repository",
        f"{MOUNT}/test_others_repositories.py::"
        "test_what_mercurial_checks_is_shown_as_another_users",
    ),
    "a module that another user puts next to a notebook, which is then opened": (
        f"{HUB}/lab/test_kernels.py::test_no_module_beside_a_notebook_runs_when_its_kernel_starts",
        f"{HUB}/lab/test_kernels.py::test_kernels_and_terminals_look_up_nothing_in_their_directory",
        f"{HUB}/test_interpreter.py::test_a_program_gets_its_arguments_and_nothing_beside_it_runs",
        f"{HUB}/test_kernels.py::test_the_script_starts_the_environments_python_as_if_activated",
    ),
    "a module or settings that another account puts into the directory where a command is run": (
        f"{UNIT}/test_planted_modules.py::test_a_command_runs_no_module_of_the_callers_directory",
        f"{UNIT}/test_planted_modules.py::test_no_package_starts_python_in_another_way",
        f"{UNIT}/test_install_bundle.py::test_a_module_in_the_callers_directory_does_not_run",
    ),
    "another account of a node that connects to a kernel": (
        f"{HUB}/lab/test_kernels.py::test_no_other_account_reads_what_a_kernel_prints",
        f"{HUB}/lab/test_kernels.py::"
        "test_no_other_account_reads_what_a_kernel_of_another_environment_prints",
    ),
    "another account of a node, at the mount or where it is going to be": (
        f"{MOUNT}/test_namespace.py::test_another_account_does_not_reach_the_mount",
        f"{MOUNT}/test_namespace.py::test_a_path_that_another_account_could_replace_is_refused",
    ),
    "a save that is interrupted, or that HDFS rejects": (
        f"{MANAGER}/test_faults.py::test_a_failed_save_leaves_the_file_whole_and_no_temporary_file",
        f"{CONTENTS}/test_contents_faults.py::"
        "test_over_its_quota_of_space_a_save_keeps_what_was_there",
        f"{CONTENTS}/test_contents_faults.py::test_in_safe_mode_files_are_read_but_not_changed",
        f"{CONTENTS}/test_contents_faults.py::"
        "test_a_namenode_that_hangs_is_an_answer_and_no_wait_without_end",
        f"{CONTENTS}/test_contents_hdfs.py::"
        "test_what_came_in_while_a_file_was_uploaded_is_not_replaced",
    ),
    "two servers that save the same notebook": (
        f"{MANAGER}/test_conflicts.py::test_a_file_that_another_server_saved_is_not_replaced",
        f"{MANAGER}/test_conflicts.py::"
        "test_one_of_many_concurrent_saves_wins_and_the_others_get_an_error",
        f"{MANAGER}/test_checkpoints.py::test_a_checkpoint_is_restored_as_it_was",
    ),
    "another user's file in the place of the lock of a save": (
        f"{CONTENTS}/test_contents_hdfs.py::"
        "test_another_users_lock_in_a_directory_with_the_sticky_bit_stops_no_save",
        f"{CLIENT}/test_atomic.py::"
        "test_another_users_stale_lock_is_replaced_where_it_cannot_be_deleted",
        f"{CLIENT}/test_atomic.py::test_a_lock_of_another_user_who_may_not_write_the_file_is_none",
        f"{CLIENT}/test_atomic.py::"
        "test_a_directory_in_the_place_of_the_lock_is_named_with_its_owner",
    ),
    "a page with a script, opened from a user's own files": (
        f"{CONTENTS}/test_contents_server.py::"
        "test_a_page_is_shown_in_a_sandbox_and_saved_under_its_name",
        f"{CONTENTS}/test_contents_downloads.py::test_a_part_of_a_page_is_in_the_same_sandbox",
        f"{CONTENTS}/test_contents_server.py::"
        "test_a_page_of_another_site_gets_no_download_with_a_persons_cookie",
    ),
    "a page of another site that sends requests to a server with the user's cookies": (
        f"{SPAWNER}/test_api_tokens.py::"
        "test_a_request_with_the_cookies_of_a_browser_needs_the_xsrf_token_of_the_page",
    ),
    "a client without a certificate, or with another server's": (
        f"{SPAWNER}/test_internal_ssl.py::"
        "test_only_who_has_a_certificate_of_the_hub_or_the_proxy_is_let_in",
        f"{SPAWNER}/test_internal_ssl.py::test_the_container_has_the_key_for_its_own_user_only",
        f"{HUB}/test_server_check.py::"
        "test_another_certificate_of_the_hub_is_refused_before_anything_is_sent",
        f"{SPAWNER}/test_internal_ssl.py::"
        "test_a_restarted_hub_accepts_only_the_certificate_of_this_start",
    ),
    "a ResourceManager that is down, hangs, restarts, or does not know an application": (
        f"{SPAWNER}/test_spawner.py::test_a_resourcemanager_that_is_away_ends_no_server",
        f"{FAULTS}/test_resourcemanager.py::"
        "test_a_start_goes_on_after_the_resourcemanager_was_killed",
        f"{FAULTS}/test_resourcemanager.py::"
        "test_a_resourcemanager_that_hangs_ends_no_server_and_holds_up_no_request",
        f"{HUB}/test_status.py::test_an_empty_list_of_a_recovering_resourcemanager_is_not_believed",
        f"{HUB}/test_status.py::test_an_application_that_stays_forgotten_has_ended",
        f"{HUB}/test_status.py::"
        "test_a_start_that_a_recovering_resourcemanager_does_not_list_yet_has_not_ended",
        f"{CLIENT}/test_aio_failures.py::"
        "test_addresses_that_refuse_or_are_in_standby_are_passed_over",
    ),
    "a hub that dies at any moment of a start": (
        f"{FAULTS}/test_hub_killed.py::test_after_its_restart_the_application_is_adopted_or_ended",
        f"{SPAWNER}/test_restart.py::"
        "test_an_orphan_is_ended_when_the_hub_starts_and_nobody_has_asked_for_anything",
    ),
    "a start that is stopped, or takes too long": (
        f"{SPAWNER}/test_spawner.py::test_a_stop_in_the_middle_of_a_start_ends_the_application",
        f"{SPAWNER}/test_restart.py::test_a_hub_that_ends_asks_yarn_for_nothing_more",
        f"{SPAWNER}/test_spawner.py::test_a_start_that_takes_too_long_is_told_and_leaves_nothing",
        f"{FAULTS}/test_crowded.py::"
        "test_a_start_that_is_queued_for_too_long_is_told_and_leaves_nothing",
    ),
    "an application master that dies": (
        f"{FAULTS}/test_application_master.py::"
        "test_an_application_master_that_dies_before_its_server_listens_is_told_at_once",
        f"{FAULTS}/test_application_master.py::test_a_server_ends_with_its_application_master",
    ),
    "a node that is lost": (
        f"{FAULTS}/test_node_lost.py::"
        "test_a_server_whose_node_is_lost_has_ended_and_can_be_started_again",
        f"{FAULTS}/test_node_lost.py::"
        "test_a_start_whose_node_is_lost_fails_with_the_reason_and_leaves_nothing",
    ),
    "a container that runs out of memory": (
        f"{FAULTS}/test_memory.py::"
        "test_a_server_that_uses_too_much_memory_is_ended_with_the_reason",
        f"{FAULTS}/test_memory.py::"
        "test_a_start_that_uses_too_much_memory_tells_so_and_leaves_nothing",
    ),
    "a skein driver that is killed or hangs": (
        f"{SPAWNER}/test_skein.py::test_a_driver_that_ends_or_hangs_is_started_again",
    ),
    "hundreds of starts at the same time, and a megabyte of last output": (
        f"{FAULTS}/test_crowded.py::test_very_many_starts_at_once_are_ready_or_told_to_come_later",
        f"{FAULTS}/test_application_master.py::test_a_megabyte_of_last_words_in_one_line_is_cut",
    ),
    "an application id that another user has submitted under before the hub gets it": (
        f"{SECURITY}/test_foreign_application.py::"
        "test_a_server_gets_another_id_and_the_other_application_lives_on",
        f"{SECURITY}/test_foreign_application.py::"
        "test_a_start_that_finds_all_ids_taken_is_refused_in_a_sentence",
        f"{HUB}/test_status.py::test_an_id_that_another_user_has_taken_is_not_ours",
        f"{HUB}/test_pending_start.py::"
        "test_after_a_restart_of_the_hub_the_tag_alone_proves_nothing",
        f"{HUB}/test_reconciler.py::"
        "test_an_application_that_another_user_has_under_the_id_is_not_ended",
    ),
    "another user's application with copied tags": (
        f"{HUB}/test_reconciler.py::test_a_copied_tag_keeps_no_other_application_alive",
        f"{HUB}/test_status.py::test_a_tag_on_somebody_elses_application_is_not_believed",
    ),
    "a server that answers the hub with anything, also while the hub is restarted": (
        f"{HUB}/test_server_check.py::test_a_hostile_answer_is_that_servers_failure_alone",
        f"{HUB}/test_server_check.py::test_whatever_answers_raises_nothing_else",
        f"{SECURITY}/test_hostile_server.py::"
        "test_a_hub_that_is_restarted_during_a_start_starts_again",
        f"{SECURITY}/test_hostile_server.py::"
        "test_a_hub_that_is_restarted_starts_whatever_a_running_server_answers",
    ),
    "a node's web page that redirects the hub to a service that only the hub's machine reaches": (
        f"{HUB}/test_server_log.py::test_a_nodes_redirect_is_not_followed",
        f"{HUB}/test_direct_launcher.py::test_a_redirect_to_a_phase_is_an_unknown_phase",
        f"{TOOL}/test_node_http.py::test_a_redirect_is_an_error_and_not_followed",
    ),
    "the port of a server that has ended, taken by another user on the node": (
        f"{SECURITY}/test_port_of_an_ended_server.py::"
        "test_the_port_is_held_until_the_hub_routes_nobody_there",
        f"{UNIT}/container/test_held_port.py::test_each_request_gets_503",
    ),
    "the port of a server, taken by another user on the node over IPv6": (
        f"{UNIT}/container/test_server.py::test_nobody_else_gets_the_port_over_ipv6",
        f"{UNIT}/container/test_server.py::"
        "test_a_server_keeps_the_port_over_ipv6_without_its_application_master",
        f"{UNIT}/container/test_held_port.py::test_no_other_process_can_bind_the_port_over_ipv6",
    ),
    "a running server whose node the restarted hub cannot reach": (
        f"{SECURITY}/test_hostile_server.py::"
        "test_a_server_that_a_restarted_hub_can_not_reach_lives_on_and_is_found_again",
    ),
    "another account on the machine that takes the embedded Hadoop's lock directory first": (
        f"{TOOL}/test_minihadoop_ports.py::"
        "test_another_accounts_lock_directory_is_refused_and_no_file_is_truncated",
        f"{TOOL}/test_minihadoop_ports.py::test_a_lock_directory_that_others_can_open_is_refused",
        f"{TOOL}/test_minihadoop_ports.py::"
        "test_a_fifo_or_a_file_in_the_lock_directory_does_no_harm",
    ),
    "another account on the machine that reads the embedded Hadoop's files": (
        f"{TOOL}/test_minihadoop_state.py::test_another_account_reads_nothing_in_a_state_directory",
        f"{TOOL}/test_minihadoop_state.py::test_a_state_directory_of_another_account_is_refused",
    ),
    "control characters in a server's output, a name or YARN's text": (
        f"{CLIENT}/test_printable.py::test_no_text_has_a_control_or_format_character_left",
        f"{HUB}/test_failures.py::"
        "test_the_output_of_a_server_neither_acts_on_a_terminal_nor_forges_lines_of_a_log",
        f"{HUB}/test_endings.py::"
        "test_no_text_of_a_server_acts_on_a_terminal_or_stays_out_of_the_state",
        f"{TOOL}/test_logs.py::test_output_does_not_act_on_the_terminal",
        f"{TOOL}/test_apps.py::test_an_applications_name_does_not_act_on_the_terminal",
        f"{TOOL}/test_envs_show.py::"
        "test_a_name_or_version_in_the_registry_does_not_act_on_the_terminal",
        f"{TOOL}/test_envs_show.py::test_a_publishers_text_is_shown_as_it_is",
        f"{TOOL}/test_envs_packages.py::test_names_of_packages_and_servers_are_shown_as_they_are",
        f"{TOOL}/test_envs_warm.py::test_a_nodes_name_is_shown_as_it_is",
        f"{TOOL}/test_demo.py::test_the_text_of_a_step_does_not_act_on_the_terminal",
        f"{PACKING}/test_messages.py::test_a_file_name_in_a_warning_does_not_act_on_the_terminal",
        f"{TOOL}/check/test_show.py::test_the_reason_of_a_result_does_not_act_on_the_terminal",
        f"{HUB}/test_spawner.py::test_the_name_of_a_server_does_not_act_on_the_terminal_of_a_log",
    ),
    "root starting an embedded Hadoop, through which every account on the machine becomes root": (
        f"{TOOL}/test_minihadoop_exposure.py::"
        "test_a_hadoop_through_which_all_accounts_become_root_is_not_started",
        f"{TOOL}/test_minihadoop_exposure.py::test_the_risk_is_printed_before_the_start",
        f"{TOOL}/test_minihadoop_exposure.py::test_the_script_installs_nothing_as_root",
    ),
    "a server that requests delegation tokens without end": (
        f"{HUB}/test_token_cache.py::"
        "test_a_flood_of_requests_makes_one_token_in_a_tenth_of_the_interval",
        f"{HUB}/test_token_cache.py::test_requests_at_the_same_time_are_one_and_refusals",
        f"{HUB}/test_token_cache.py::"
        "test_failures_are_limited_and_a_server_that_retries_gets_its_tokens",
    ),
    "a listener between a node and the hub, who replays or changes messages": (
        f"{HUB}/test_token_endpoint.py::test_a_listener_sees_no_token",
        f"{HUB}/test_token_endpoint.py::test_an_earlier_answer_is_not_accepted_again",
        f"{HUB}/test_token_endpoint.py::test_only_a_request_with_the_key_of_the_start_gets_tokens",
        f"{HUB}/test_token_endpoint.py::test_a_port_is_taken_only_with_the_key_of_the_start",
        f"{UNIT}/container/test_sealing.py::test_an_answer_that_was_changed_is_refused",
        "tests/kerberos/test_servers.py::test_new_tokens_are_for_the_server_itself_and_nobody_else",
    ),
    "another account on the hub's machine that reads the hub's database or log": (
        f"{TOOL}/test_config.py::test_the_unit_closes_the_hubs_files_and_protects_the_systems",
    ),
    "many large applications of another user with the hub's tag": (
        f"{HUB}/test_flood.py::test_an_answer_over_the_limit_does_not_hide_our_servers",
        f"{HUB}/test_flood.py::test_large_reports_are_not_kept_and_only_our_type_is_requested",
        f"{HUB}/test_status.py::test_while_a_list_is_too_large_each_server_is_requested_by_its_id",
    ),
}
