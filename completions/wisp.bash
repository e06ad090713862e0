# bash completion for wisp(1)                                             SPDX-License-Identifier: Apache-2.0

# What the daemon serves right now: names, processing types and modalities.
_wisp_targets() {
    local socket=$1 json
    json=$(timeout 2 wisp models --json ${socket:+--socket "$socket"} 2>/dev/null) || return
    # Deeper down stand the names of tensors.
    grep -oE '^ {4}"(name|processing)": *"[^"]*"' <<<"$json" | sed -E 's/.*: *"(.*)"/\1/; p; s/\..*//' |
        grep -xE '[A-Za-z0-9_.-]+' | grep -v '\.decoder$' | sort -u # nothing that a shell would expand, and no halves
}

# The structures of the database on the command line, or of one's own.
_wisp_structures() {
    local i database=
    for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in --db) database=${COMP_WORDS[i + 1]} ;; esac
    done
    wisp structure list ${database:+--db "$database"} --json 2>/dev/null | grep -oE '"name": *"[^"]*"' |
        sed -E 's/.*: *"(.*)"/\1/' | grep -xE '[A-Za-z0-9_.-]+'
}

# What structures have under this key: their processing types, or kinds of network.
_wisp_structures_by() {
    wisp structure list --json 2>/dev/null | grep -oE "\"$1\": *\"[^\"]*\"" | sed -E 's/.*: *"(.*)"/\1/' |
        grep -xE '[A-Za-z0-9_.-]+' | sort -u
}

_wisp_actions() {
    wisp structure --help 2>/dev/null | sed -nE 's/^  ([a-z]+) .*/\1/p'
}

# "--output FILE" and "-o FILE", a line each, of the options that take a value, as the verb itself describes them.
_wisp_valued() {
    # shellcheck disable=SC2086
    wisp $1 --help 2>/dev/null | sed '/^examples:/,$d' |
        sed -nE 's/^ +(-., )?(--[a-z-]+) ([A-Z][^ ]*)( .*|$)/\1\2 \3/p' | sed -E 's/^(-.), (--[^ ]+) (.*)/\1 \3\n\2 \3/'
}

# The value of an option that is written apart, or after a =, which is a word of its own here: sets `prev` and `cur`,
# and `key` where it is that of a key, as in --input NAME=FILE.
_wisp_split() {
    local at=$COMP_CWORD
    [ "$cur" = = ] && cur='' && at=$((at + 1))
    [ "${COMP_WORDS[at - 1]}" = = ] || return
    prev=${COMP_WORDS[at - 2]}
    [[ $prev == -* ]] && return
    key=$prev
    prev=${COMP_WORDS[at - 3]}
    [ "$prev" = = ] && prev=${COMP_WORDS[at - 4]}
}

# Programs beside wisp and along PATH that are verbs: wisp-VERB.
_wisp_programs() {
    compgen -c wisp- | sed -n 's/^wisp-\([a-z0-9-]*\)$/\1/p' | grep -vx forge
}

_wisp() {
    local cur prev verb socket='' i
    cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD - 1]}
    verb=${COMP_WORDS[1]}
    local model='' key='' valued described
    local own='run models show ping status reload rollback stats clients top bench doctor help version build train curves eval quantize export golden structure'

    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$own $(_wisp_programs)" -- "$cur")
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -s | --socket) socket=${COMP_WORDS[i + 1]} ;;
        -m | --model) model=${COMP_WORDS[i + 1]} ;;
        esac
    done
    described=$verb
    [ "$verb" = structure ] && described="structure ${COMP_WORDS[2]}"
    _wisp_split
    [[ " $own " == *" $verb "* ]] && valued=$(_wisp_valued "$described")
    case $verb,${COMP_WORDS[2]},$prev in
    structure,list,-t | structure,list,--type | structure,export,-t | structure,export,--type)
        mapfile -t COMPREPLY < <(compgen -W "$(_wisp_structures_by processing)" -- "$cur")
        return
        ;;
    structure,list,-n | structure,list,--network)
        mapfile -t COMPREPLY < <(compgen -W "$(_wisp_structures_by network)" -- "$cur")
        return
        ;;
    esac
    case $verb,$prev in
    bench,-m | bench,--model) mapfile -t COMPREPLY < <(compgen -W "$(_wisp_targets "$socket")" -- "$cur"); return ;;
    bench,--request-distribution) mapfile -t COMPREPLY < <(compgen -W 'constant poisson' -- "$cur"); return ;;
    run,--priority) mapfile -t COMPREPLY < <(compgen -W 'first usual last' -- "$cur"); return ;;
    bench,--input-data) mapfile -t COMPREPLY < <(compgen -W 'random zero' -f -- "$cur"); return ;;
    esac
    case $key$prev in
    --model | --teacher | --adversary)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -X '!*.safetensors' -- "$cur"; compgen -d -- "$cur")
        return
        ;;
    --degrade)
        compopt -o nospace
        mapfile -t COMPREPLY < <(compgen -W 'none noise= dark= small= drawing= oil= mix= damage=' -- "$cur")
        return
        ;;
    --method) mapfile -t COMPREPLY < <(compgen -W 'er erk erk+ uniform uniform+ fixed' -- "$cur"); return ;;
    --structure) mapfile -t COMPREPLY < <(compgen -W "$(_wisp_structures)" -- "$cur"); return ;;
    --sampling) mapfile -t COMPREPLY < <(compgen -W 'exact bernoulli' -- "$cur"); return ;;
    --granularity) mapfile -t COMPREPLY < <(compgen -W 'weight kernel' -- "$cur"); return ;;
    --budget) mapfile -t COMPREPLY < <(compgen -W 'file memory' -- "$cur"); return ;;
    --weights) mapfile -t COMPREPLY < <(compgen -W 'scaled zero constant= inherited' -- "$cur"); return ;;
    --adversarial-loss) mapfile -t COMPREPLY < <(compgen -W 'logistic hinge' -- "$cur"); return ;;
    --schedule) mapfile -t COMPREPLY < <(compgen -W 'cosine one-cycle step constant' -- "$cur"); return ;;
    --prune) mapfile -t COMPREPLY < <(compgen -W 'snip= snip-ratio=' -- "$cur"); return ;;
    --regrow) mapfile -t COMPREPLY < <(compgen -W 'set rigl' -- "$cur"); return ;;
    --average) mapfile -t COMPREPLY < <(compgen -W 'ema= last=' -- "$cur"); return ;;
    --checkpoint-every) mapfile -t COMPREPLY < <(compgen -W 'steps= minutes=' -- "$cur"); return ;;
    --loss) mapfile -t COMPREPLY < <(compgen -W 'cross-entropy sequence-cross-entropy ctc binary-cross-entropy dice mse l1 masked-snr none' -- "$cur"); return ;;
    --optimizer) mapfile -t COMPREPLY < <(compgen -W 'sgd adamw' -- "$cur"); return ;;
    --rate-by-density) mapfile -t COMPREPLY < <(compgen -W 'none root full' -- "$cur"); return ;;
    --balance) mapfile -t COMPREPLY < <(compgen -W 'auto none root full' -- "$cur"); return ;;
    --keep) mapfile -t COMPREPLY < <(compgen -W 'best last' -- "$cur"); return ;;
    --values) mapfile -t COMPREPLY < <(compgen -W 'bf16 int8' -- "$cur"); return ;;
    --split) mapfile -t COMPREPLY < <(compgen -W 'test train' -- "$cur"); return ;;
    -p | --processing)
        mapfile -t COMPREPLY < <(compgen -W 'image.classification image.segmentation image.denoising image.super-resolution image.compression image.enhancement image.style image.generation text.classification text.semantics text.keywords text.summarisation text.translation text.generation audio.classification audio.recognition audio.transcription audio.denoising audio.synthesis' -- "$cur")
        return
        ;;
    esac
    case $(grep -m1 -- "^$prev " <<<"$valued") in
    *FILE | *PATH | *SPEC | *MODEL)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    -*) return ;; # a number or a word of one's own
    esac
    if [[ $cur == -* ]]; then
        # Options as the verb itself describes them.
        # shellcheck disable=SC2086
        mapfile -t COMPREPLY < <(compgen -W "$(wisp $described --help 2>/dev/null | sed '/^examples:/,$d' | grep -oE '^ +(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+')" -- "$cur")
        return
    fi
    case $verb in
    run | show)
        # The first word that is no option is the target; files follow it.
        local words=0 skip=0
        for ((i = 2; i < COMP_CWORD; i++)); do
            if [ "${COMP_WORDS[i]}" = = ]; then
                skip=1
                continue
            elif [ $skip = 1 ]; then
                skip=0
                continue
            fi
            case ${COMP_WORDS[i]} in
            -?*) grep -q -- "^${COMP_WORDS[i]} " <<<"$valued" && skip=1 ;;
            *) words=$((words + 1)) ;;
            esac
        done
        if [ $words -eq 0 ] && { [ "$verb" = show ] || [ -z "$model" ]; }; then
            mapfile -t COMPREPLY < <(compgen -W "$(_wisp_targets "$socket")" -- "$cur")
            if [ "$verb" = show ]; then
                compopt -o filenames 2>/dev/null
                mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -X '!*.safetensors' -- "$cur"; compgen -d -- "$cur")
            fi
            return
        fi
        [ "$verb" = show ] && return
        ;;
    help) mapfile -t COMPREPLY < <(compgen -W "$own" -- "$cur"); return ;;
    structure)
        if [ "$COMP_CWORD" -eq 2 ]; then
            mapfile -t COMPREPLY < <(compgen -W "$(_wisp_actions)" -- "$cur")
            return
        fi
        case ${COMP_WORDS[2]} in
        show | edit | rm | export) mapfile -t COMPREPLY < <(compgen -W "$(_wisp_structures)" -- "$cur") ;;
        esac
        [ ${#COMPREPLY[@]} -gt 0 ] && return
        ;;
    models | ping | status | reload | rollback | stats | clients | top | bench | doctor | version) return ;;
    esac
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

complete -F _wisp wisp
