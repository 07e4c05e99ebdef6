# Completion of `recycle` for zsh.
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_recycle() {
    local line value
    local -a found values shown keys keys_shown
    line="${(j: :)words[1,CURRENT-1]} $PREFIX"
    found=("${(@f)$(_RECYCLE_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
        _TYPER_COMPLETE_ARGS="$line" ${~words[1]} 2>/dev/null)}")
    for line in $found; do
        value=${line%%$'\t'*}
        if [[ $value == *= ]]; then  # the value is typed next
            keys+=("$value") keys_shown+=("${line/$'\t'/  }")
        else
            values+=("$value") shown+=("${line/$'\t'/  }")
        fi
    done
    (( $#values + $#keys )) || { _files; return }
    (( $#values )) && compadd -l -d shown -a values
    (( $#keys )) && compadd -S '' -l -d keys_shown -a keys
}
compdef _recycle recycle
