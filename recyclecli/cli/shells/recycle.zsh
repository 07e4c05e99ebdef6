# Completion of `recycle` for zsh.
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_recycle() {
    local line value
    local -a found values keys
    line="${(j: :)words[1,CURRENT-1]} $PREFIX"
    found=("${(@f)$(_RECYCLE_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
        _TYPER_COMPLETE_ARGS="$line" ${~words[1]} 2>/dev/null)}")
    for line in $found; do
        value=${line%%$'\t'*}
        line="${value//:/\\:}${${line#"$value"}/$'\t'/:}"
        [[ $value == *= ]] && keys+=("$line") || values+=("$line")
    done
    (( $#values + $#keys )) || { _files; return }
    (( $#values )) && _describe -t values value values
    (( $#keys )) && _describe -t keys key keys -S ''  # the value is typed next
}
compdef _recycle recycle
