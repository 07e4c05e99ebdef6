# Completion of `recycle` for bash.
_recycle() {
    local line=${COMP_LINE:0:COMP_POINT} found value
    mapfile -t found < <(
        _RECYCLE_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS=$line \
            "${1/#\~/$HOME}" 2>/dev/null
    )
    # readline replaces only what follows the last of its word breaks, as = and @
    local word=${line##*[[:space:]]}
    local kept=${word%"$2"}
    COMPREPLY=()
    for value in "${found[@]}"; do
        value=${value%%$'\t'*}
        [[ -n $value ]] && COMPREPLY+=("${value#"$kept"}")
        [[ $value == *= ]] && compopt -o nospace  # the value is typed next
    done
}
complete -o default -F _recycle recycle
