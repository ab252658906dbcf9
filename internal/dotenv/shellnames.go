package dotenv

import "strings"

// shellNames are variables of a shell's own, found by assigning every name that
// occurs in the programs bash 5.2, zsh 5.9, ksh93u+m, mksh, dash and busybox: an
// assignment is lost, changed, refused for some values, or does something else,
// such as changing the user. The lower-case ones are zsh's.
const shellNames = `
	ARGC ARGV0 A__z BASHOPTS BASHPID COLUMNS COMP_WORDBREAKS DIRSTACK EGID EPOCHREALTIME EPOCHSECONDS
	ERRNO EUID FUNCNAME FUNCNEST GID GROUPS HISTCHARS HISTCMD HISTSIZE JOBMAX KEYBOARD_HACK KEYTIMEOUT
	KSHEGID KSHGID KSHUID KSH_VERSION LINENO LINES LISTMAX MAILCHECK OPTIND PGRP PIPESTATUS PPID RANDOM
	SAVEHIST SECONDS SHELLOPTS SHLVL SRANDOM TMOUT TRY_BLOCK_ERROR TRY_BLOCK_INTERRUPT TTYIDLE UID
	USERNAME USER_ID ZLE_RPROMPT_INDENT ZSH_EVAL_CONTEXT ZSH_SUBSHELL _
	aliases argv builtins cdpath commands dirstack dis_aliases dis_builtins dis_functions
	dis_functions_source dis_galiases dis_patchars dis_reswords dis_saliases fignore fpath
	funcfiletrace funcsourcetrace funcstack functions functions_source functrace galiases histchars
	history historywords jobdirs jobstates jobtexts keymaps mailpath manpath module_path modules
	nameddirs options parameters patchars path pipestatus psvar reswords saliases status termcap
	terminfo userdirs usergroups watch widgets zsh_eval_context zsh_scheduled_events
`

// zsh gives these back, and acts on them: it loads code from the one, and for the
// other a module that sets more variables.
const (
	zshModules = "MODULE_PATH"
	zshWatch   = "WATCH"
)

// bashPrefix begins names that bash keeps for itself, more in each version.
const bashPrefix = "BASH_"

var shellVariables = func() map[string]bool {
	owned := map[string]bool{}
	for name := range strings.FieldsSeq(shellNames) {
		owned[name] = true
	}
	return owned
}()

// isShellVariable reports whether a name belongs to a shell.
func isShellVariable(key string) bool {
	return shellVariables[key] || key == zshModules || key == zshWatch || strings.HasPrefix(key, bashPrefix)
}
