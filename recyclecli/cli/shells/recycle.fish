# Completion of `recycle` for fish.
function __recycle_complete
    set -l program (commandline -po | string replace -r '^~(?=/)' $HOME)[1]
    set -l found (env _RECYCLE_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
        _TYPER_COMPLETE_ARGS=(commandline -cp | string collect) $program 2>/dev/null | string match -v '')
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command recycle --no-files --arguments '(__recycle_complete)'
